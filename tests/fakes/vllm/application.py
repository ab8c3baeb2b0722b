# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is answered, as an ASGI application: vLLM's middleware runs before it as it does there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
CREATED = 1795244567


class Application:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.names: list[str] = arguments.served_model_name or [arguments.model_tag]

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
    ) -> None:
        path, method = scope["path"], scope["method"]
        if path.startswith("/v1/") and not self._has_key(scope):
            await answer(send, 401, {"error": "Unauthorized"})
        elif (method, path) == ("GET", "/health"):
            await answer(send, 200, None)
        elif (method, path) == ("GET", "/metrics"):
            await answer(send, 200, self._metrics(), "text/plain; version=1.0.0; charset=utf-8")
        elif (method, path) == ("GET", "/v1/models"):
            await answer(send, 200, {"object": "list", "data": [self._model(name) for name in self.names]})
        elif method == "POST" and path in ("/v1/chat/completions", "/invocations"):
            await self._complete((await receive())["body"], send)
        else:
            known = path in ("/health", "/metrics", "/v1/models", "/v1/chat/completions", "/invocations")
            await answer(send, 405 if known else 404, {"detail": "Method Not Allowed" if known else "Not Found"})

    def _has_key(self, scope: dict[str, Any]) -> bool:
        shown = dict(scope["headers"]).get(b"authorization", b"").decode()
        return not self.arguments.api_key or shown.removeprefix("Bearer ") in self.arguments.api_key

    async def _complete(self, body: bytes, send: Send) -> None:
        try:
            request = json.loads(body)
        except ValueError:
            await refuse(
                send, 400, "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.1'}", "Bad Request", "body.1"
            )
            return
        if request.get("model") not in self.names:
            message = f"The model `{request.get('model')}` does not exist. Valid aliases: {', '.join(self.names)}."
            await refuse(send, 404, message, "NotFoundError", "model")
            return
        if "messages" not in request:
            message = "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required'}"
            await refuse(send, 400, message, "Bad Request", "body.messages")
            return
        longest = self.arguments.max_model_len
        if (request.get("max_tokens") or 0) > longest:
            message = f"max_tokens={request['max_tokens']} cannot be greater than max_model_len={longest}. Please request fewer output tokens."
            await refuse(send, 400, message, "BadRequestError", "max_tokens")
            return
        text = f"I am {request['model']}, and I answer."
        await (stream if request.get("stream") else whole)(send, request["model"], text)

    def _model(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "model",
            "created": CREATED,
            "owned_by": "vllm",
            "root": self.arguments.model_tag,
            "parent": None,
            "max_model_len": self.arguments.max_model_len,
        }

    def _metrics(self) -> str:
        own = self.arguments
        labels = {
            "block_size": "16",
            "cache_dtype": own.kv_cache_dtype,
            "enable_prefix_caching": str(own.enable_prefix_caching),
            "engine": "0",
            "gpu_memory_utilization": str(own.gpu_memory_utilization),
            "kv_cache_max_concurrency": "12.5",
        }
        config = ",".join(f'{name}="{value}"' for name, value in labels.items())
        rows = [f"# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{{{config}}} 1.0"]
        for name in ("num_requests_running", "num_requests_waiting", "prompt_tokens_total", "generation_tokens_total"):
            rows.append(f'vllm:{name}{{engine="0",model_name="{self.names[0]}"}} 0.0')
        return "\n".join(rows) + "\n"


async def whole(send: Send, model: str, text: str) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 15, "total_tokens": 24, "completion_tokens": 9}
    await answer(send, 200, {**head(model, "chat.completion"), "choices": [choice], "usage": usage})


async def stream(send: Send, model: str, text: str) -> None:
    kind = b"text/event-stream; charset=utf-8"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{' ' if number else ''}{word}"} for number, word in enumerate(text.split())]
    for number, delta in enumerate(deltas):
        choice = {"index": 0, "delta": delta, "finish_reason": "stop" if number == len(deltas) - 1 else None}
        event = {**head(model, "chat.completion.chunk"), "choices": [choice]}
        await send({"type": "http.response.body", "body": f"data: {json.dumps(event)}\n\n".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


def head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-a67de93c832cafcf", "object": kind, "created": CREATED, "model": model}


async def refuse(send: Send, status: int, message: str, kind: str, parameter: str) -> None:
    await answer(send, status, {"error": {"message": message, "type": kind, "param": parameter, "code": status}})


async def answer(send: Send, status: int, content: object, kind: str = "application/json") -> None:
    body = content.encode() if isinstance(content, str) else b"" if content is None else json.dumps(content).encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
