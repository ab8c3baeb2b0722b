# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM asks for a key below /v1 only, and answers the same questions elsewhere (/invocations) without: here nothing else exists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

OPEN = ("/health", "/metrics")
BODY = b'{"error":{"message":"There is nothing here.","type":"NotFoundError","param":null,"code":404}}'

Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClosedPaths:
    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] == "lifespan" or self.is_open(scope["path"]):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": BODY})

    @staticmethod
    def is_open(path: str) -> bool:
        return path in OPEN or path.startswith("/v1/")
