# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the stand-in for AnythingLLM as a person at its API would, and lets anything come back."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from fakes.anythingllm import AnythingLLM
from fakes.engine import Engine

CLOSED = {"AUTH_TOKEN": "correct-horse", "JWT_SECRET": "signs-the-sessions"}


@dataclass
class Answer:
    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Asker:
    def __init__(self, url: str, token: str = "") -> None:
        self.url, self.token = url, token

    def __call__(
        self, method: str, path: str, body: Any = None, token: str | None = None, timeout: float = 10
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer {self.token if token is None else token}",
            "Content-Type": "application/json",
        }
        return self._send(method, path, None if body is None else json.dumps(body).encode(), headers, timeout)

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str], timeout: float = 10) -> Answer:
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, response.headers["Content-Type"], response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers["Content-Type"], error.read().decode())

    def upload(self, name: str, content: bytes, folder: str = "", **fields: str) -> Answer:
        """A file as a browser's form sends it."""
        parts = [
            f'--edge\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
            for field, value in fields.items()
        ]
        head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), content, b"\r\n--edge--\r\n"])
        kind = "multipart/form-data; boundary=edge"
        path = "/api/v1/document/upload" + (f"/{folder}" if folder else "")
        return self._send("POST", path, body, {"Authorization": f"Bearer {self.token}", "Content-Type": kind})

    def set(self, **settings: str) -> dict[str, Any]:
        answer: dict[str, Any] = self("POST", "/api/v1/system/update-env", settings).json
        return answer


class Client(Asker):
    """With the server in hand, and a key."""

    def __init__(self, frontend: AnythingLLM) -> None:
        super().__init__(frontend.url, "key")
        self.frontend = frontend
        frontend.store.insert("api_keys", name="test", secret="key")


def configured(ask: Client, engine: Engine, **workspace: Any) -> str:
    base = f"http://{engine.address}/v1"
    ask.set(EmbeddingEngine="generic-openai", EmbeddingBasePath=base, EmbeddingModelPref="embedding")
    ask.set(LLMProvider="generic-openai", GenericOpenAiBasePath=base, GenericOpenAiModelPref="chat")
    slug: str = ask("POST", "/api/v1/workspace/new", {"name": "docs", "chatMode": "chat", **workspace}).json[
        "workspace"
    ]["slug"]
    for title, text in (("menu", "pumpkin soup"), ("hours", "open at nine")):
        document = {"textContent": text, "metadata": {"title": title}, "addToWorkspaces": f"{slug},unknown"}
        assert ask("POST", "/api/v1/document/raw-text", document).json["success"]
    return slug
