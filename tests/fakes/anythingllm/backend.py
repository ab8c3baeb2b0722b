# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server asks of others: its embedder and its language model, in the OpenAI form, over HTTP or TLS."""

from __future__ import annotations

import json
import re
import ssl
import time
import urllib.error
import urllib.request
import zlib
from typing import TYPE_CHECKING, Any, Iterator

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

# Provider: base address, key, model.
PROVIDERS = {
    "generic-openai": ("GENERIC_OPEN_AI_BASE_PATH", "GENERIC_OPEN_AI_API_KEY", "GENERIC_OPEN_AI_MODEL_PREF"),
    "localai": ("LOCAL_AI_BASE_PATH", "LOCAL_AI_API_KEY", "LOCAL_AI_MODEL_PREF"),
    "litellm": ("LITE_LLM_BASE_PATH", "LITE_LLM_API_KEY", "LITE_LLM_MODEL_PREF"),
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
    wanted = {"model": env.get("EMBEDDING_MODEL_PREF"), "input": texts}
    answer = _ask(app, env.get("EMBEDDING_BASE_PATH") + "/embeddings", env.get(EMBEDDERS[engine]), wanted)
    return [item["embedding"] for item in sorted(answer["data"], key=lambda item: item["index"])]


def _native(text: str) -> list[float]:
    """Texts that share words are near to each other; as long as the real one's vectors."""
    vector = [0.01] * 384
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode("utf-8")) % len(vector)] += 1
    return vector


class Model:
    """The language model that a workspace talks to."""

    def __init__(self, app: Application, workspace: dict[str, Any]) -> None:
        self.provider = workspace["chatProvider"] or app.environment.get("LLM_PROVIDER", "openai")
        if self.provider not in PROVIDERS:
            raise BackendError(f"{self.provider}: no key is set for this provider.")
        base, key, model = (app.environment.get(name) for name in PROVIDERS[self.provider])
        self.name = workspace["chatModel"] or model
        self._app, self._url, self._key = app, base + "/chat/completions", key
        self._temperature = 0.7 if workspace["openAiTemp"] is None else workspace["openAiTemp"]
        self.usage: dict[str, Any] = {}

    def _body(self, messages: list[dict[str, str]], stream: bool) -> dict[str, Any]:
        body = {"model": self.name, "messages": messages, "temperature": self._temperature, "stream": stream}
        limit = self._app.environment.get("GENERIC_OPEN_AI_MAX_TOKENS")
        return {**body, "max_tokens": int(limit)} if limit and self.provider == "generic-openai" else body

    def answer(self, messages: list[dict[str, str]]) -> str:
        begin = time.monotonic()
        answer = _ask(self._app, self._url, self._key, self._body(messages, False))
        duration = time.monotonic() - begin
        usage = answer.get("usage") or {}
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        self.usage = {**{name: usage.get(name, 0) for name in names}, "duration": duration}
        self.usage["outputTps"] = self.usage["completion_tokens"] / duration
        return str(answer["choices"][0]["message"]["content"])

    def pieces(self, messages: list[dict[str, str]]) -> Iterator[str]:
        with _open(self._app, self._url, self._key, self._body(messages, True)) as response:
            for line in response:
                text = line.decode("utf-8").strip()
                if text.startswith("data:") and text != "data: [DONE]":
                    choices = json.loads(text[5:]).get("choices") or [{}]
                    piece = (choices[0].get("delta") or {}).get("content")
                    if piece:
                        yield piece


def _open(app: Application, url: str, key: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, json.dumps(body).encode("utf-8"), headers, method="POST")
    context = ssl.create_default_context()
    extra = app.environment.get("NODE_EXTRA_CA_CERTS")
    if extra:
        context.load_verify_locations(extra)
    # As node does: proxies of the environment are not used.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        return opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        raise BackendError(f"{error.code} {error.read(500).decode('utf-8', 'replace')}") from error
    except urllib.error.URLError as error:
        app.log(f"{url}: {error.reason}")
        raise BackendError("Connection error.") from error


def _ask(app: Application, url: str, key: str, body: dict[str, Any]) -> Any:
    with _open(app, url, key, body) as response:
        return json.load(response)
