# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server asks of others: its embedder and its language model, in the OpenAI form, over HTTP or TLS.

Seen: AnythingLLM 1.16.0, driven unmodified (`encoding_format: base64`, up to 500 inputs in one request; an agent's request has tools, and
neither temperature nor max_tokens). Source: server/utils/EmbeddingEngines/genericOpenAi/index.js, the npm package openai
(resources/embeddings), server/utils/AiProviders/genericOpenAi/index.js (max_tokens is always there: 1024 where none is set), and
server/utils/agents/aibitat/providers/helpers/tooled.js. Later sources than 1.16.0 send an agent's temperature and max_tokens too.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import struct
import time
import urllib.error
import urllib.request
import zlib
from typing import TYPE_CHECKING, Any, Iterator

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

# Provider: how its variables begin (base address, key, model and window have the same endings), and what it is called in metrics.
PROVIDERS = {
    "generic-openai": ("GENERIC_OPEN_AI", "GenericOpenAiLLM"),
    "localai": ("LOCAL_AI", "LocalAiLLM"),
    "litellm": ("LITE_LLM", "LiteLLM"),
}
EMBEDDERS = {
    "generic-openai": "GENERIC_OPEN_AI_EMBEDDING_API_KEY",
    "localai": "LOCAL_AI_API_KEY",
    "litellm": "LITE_LLM_API_KEY",
}
# Its files have to be in storage; nobody can fetch them here.
NATIVE = "Xenova/all-MiniLM-L6-v2"
TIMEOUT = 300


class BackendError(OSError):
    """The other side did not answer, or not with what was asked."""


def embed(app: Application, texts: list[str]) -> list[list[float]]:
    env = app.environment
    engine = env.get("EMBEDDING_ENGINE", "native")
    if engine == "native" and any((app.storage / "models" / NATIVE).glob("*")):
        return [_native(text) for text in texts]
    if engine not in EMBEDDERS:
        raise BackendError("fetch failed: the native embedder's model is neither in storage nor within reach")
    most = env.get("GENERIC_OPEN_AI_EMBEDDING_MAX_CONCURRENT_CHUNKS", "500") if engine == "generic-openai" else "500"
    size = int(most) if most.isdigit() else 500
    url, key = env.get("EMBEDDING_BASE_PATH") + "/embeddings", env.get(EMBEDDERS[engine])
    found: list[list[float]] = []
    for begin in range(0, len(texts), size):
        wanted = {
            "model": env.get("EMBEDDING_MODEL_PREF"),
            "input": texts[begin : begin + size],
            "encoding_format": "base64",
        }
        try:
            answer = _ask(app, url, key, wanted)
        except BackendError as error:
            raise BackendError(f"GenericOpenAI Failed to embed: {error}") from error
        found += [_decoded(item["embedding"]) for item in answer["data"]]
    return found


def _decoded(vector: Any) -> list[float]:
    """As the OpenAI package for node decodes what it asked for as base64.

    An engine that answers with numbers all the same is not found out: each number becomes a byte, and the vector zeros, a quarter as long.
    """
    data = base64.b64decode(vector) if isinstance(vector, str) else bytes(int(value) & 255 for value in vector)
    return list(struct.unpack(f"<{len(data) // 4}f", data[: len(data) // 4 * 4]))


def _native(text: str) -> list[float]:
    """Texts that share words are near to each other; as long as the real one's vectors."""
    vector = [0.01] * 384
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode("utf-8")) % len(vector)] += 1
    return vector


class Model:
    """A language model of a provider. `agent`: as the server's agent asks it."""

    def __init__(self, app: Application, provider: str, name: str, *, agent: bool = False) -> None:
        if provider not in PROVIDERS:
            raise BackendError(f"{provider}: no key is set for this provider.")
        env, (begin, self._called) = app.environment, PROVIDERS[provider]
        self.provider, self.name = provider, name or env.get(f"{begin}_MODEL_PREF")
        self.window = int(env.get(f"{begin}_MODEL_TOKEN_LIMIT", "4096"))
        self._app, self._agent = app, agent
        self._url, self._key = env.get(f"{begin}_BASE_PATH") + "/chat/completions", env.get(f"{begin}_API_KEY")
        self.usage: dict[str, Any] = {}

    def _body(self, messages: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        body = {"model": self.name, "messages": messages, **more}
        if self.provider == "generic-openai" and not self._agent:
            body["max_tokens"] = int(self._app.environment.get("GENERIC_OPEN_AI_MAX_TOKENS", "1024"))
        return body

    def answer(self, messages: list[dict[str, str]], temperature: float | None) -> str:
        begin = time.monotonic()
        answer = _ask(self._app, self._url, self._key, self._body(messages, temperature=temperature, stream=False))
        self._measure(answer.get("usage"), begin)
        return str(answer["choices"][0]["message"]["content"])

    def pieces(self, messages: list[dict[str, str]], **more: Any) -> Iterator[str]:
        """`more`: a temperature, or what an agent asks with."""
        begin = time.monotonic()
        with _open(self._app, self._url, self._key, self._body(messages, stream=True, **more)) as response:
            for line in response:
                text = line.decode("utf-8").strip()
                if text.startswith("data:") and text != "data: [DONE]":
                    event = json.loads(text[5:])
                    if event.get("usage"):
                        self._measure(event["usage"], begin)
                    choices = event.get("choices") or [{}]
                    piece = (choices[0].get("delta") or {}).get("content")
                    if piece:
                        yield piece

    def _measure(self, usage: dict[str, Any] | None, begin: float) -> None:
        duration = time.monotonic() - begin
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        self.usage = {**{name: (usage or {}).get(name, 0) for name in names}, "duration": duration}
        self.usage["outputTps"] = self.usage["completion_tokens"] / duration

    @property
    def metrics(self) -> dict[str, Any]:
        return {**self.usage, "model": self.name, "provider": self._called}


def _open(app: Application, url: str, key: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, json.dumps(body).encode("utf-8"), headers, method="POST")
    # As node does: proxies of the environment are not used.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https:"):
        context = ssl.create_default_context()
        extra = app.environment.get("NODE_EXTRA_CA_CERTS")
        if extra:
            context.load_verify_locations(extra)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        return opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        raise BackendError(_complaint(error.code, error.read().decode("utf-8", "replace"))) from error
    except urllib.error.URLError as error:
        app.log(f"{url}: {error.reason}")
        raise BackendError("Connection error.") from error


def _complaint(code: int, body: str) -> str:
    """In the words of the OpenAI package for node."""
    try:
        said = json.loads(body).get("error")
    except (ValueError, AttributeError):
        return f"{code} {body}" if body else f"{code} status code (no body)"
    if isinstance(said, dict) and said.get("message"):
        return f"{code} {said['message']}"
    return f"{code} {json.dumps(said)}" if said else f"{code} status code (no body)"


def _ask(app: Application, url: str, key: str, body: dict[str, Any]) -> Any:
    with _open(app, url, key, body) as response:
        return json.load(response)
