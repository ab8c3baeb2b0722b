# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that costs next to nothing: a token every few milliseconds, as many as `max_tokens` says, streamed or not.

python engine.py PORT[,PORT…] SLOTS TOKEN_SECONDS [MODELS]

At each port is one of its own, with as many requests at the same time as it has slots; the others wait, first come, first served. With a number of models it
says of itself what a router of llama.cpp says that serves m0, m1 and so on; without, what a server of one model says. GET /asked tells how often all of
them together were asked for what else there is to GET, by path.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

# What llama-server's router says of a model, of a length that is usual.
ARGUMENTS = (
    "/app/llama-server --host 127.0.0.1 --jinja --log-colors off --metrics --port 55367 --no-slots --no-webui --alias {name} --ctx-size 32768 "
    "--cache-ram 512 --model /var/lib/hearth/models/{name}.gguf --n-gpu-layers 99 --n-predict 4096 --parallel 4"
)


def _routed(name: str) -> dict[str, Any]:
    words = ARGUMENTS.format(name=name).split()
    options = "".join(f"{word[2:]} = {words[place + 1]}\n" for place, word in enumerate(words) if word[:2] == "--")
    return {
        "id": name,
        "object": "model",
        "owned_by": "llamacpp",
        "created": 1,
        "status": {"value": "loaded", "args": words, "preset": f"[{name}]\n{options}\n"},
        "source": "preset",
        "context_length": 8192,
        "meta": {
            "vocab_type": 2,
            "n_vocab": 151936,
            "n_ctx": 8192,
            "n_ctx_train": 32768,
            "n_embd": 4096,
            "ftype": "Q4_K",
        },
    }


class Engine:
    def __init__(self, slots: int, token_seconds: float, models: int, asked: Counter[str]) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._token_seconds = token_seconds
        self._asked = asked
        served = [_routed(f"m{number}") for number in range(models)] or [{"id": "bench", "object": "model"}]
        self._told: dict[str, dict[str, Any]] = {
            "/health": {"status": "ok"},
            "/v1/models": {"object": "list", "data": served},
            "/props": {"is_sleeping": False},
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                if head.startswith(b"get "):
                    await self._tell(writer, head.split()[1].decode())
                    break
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                async with self._slots:
                    answer = self._stream if body.get("stream") else self._whole
                    await answer(writer, body)
                if b"connection: close" in head:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _tell(self, writer: asyncio.StreamWriter, path: str) -> None:
        if path == "/asked":
            told: dict[str, Any] | None = dict(self._asked)
        else:
            self._asked[path] += 1
            told = self._told.get(path)
        data = json.dumps(told or {}).encode()
        status = b"404 Not Found" if told is None else b"200 OK"
        writer.write(
            b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (status, len(data))
            + data
        )
        await writer.drain()

    async def _whole(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        tokens = int(body["max_tokens"])
        await asyncio.sleep(tokens * self._token_seconds)
        message = {"role": "assistant", "content": "word " * tokens}
        answer = _completion("chat.completion", {"message": message, "finish_reason": "stop"}, body)
        answer["usage"] = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
        data = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data
        )
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        choice = {"delta": {"role": "assistant", "content": "word "}, "finish_reason": None}
        token = _chunk(_completion("chat.completion.chunk", choice, body))
        for number in range(int(body["max_tokens"])):
            await asyncio.sleep(self._token_seconds)
            writer.write(token if number else head + token)
            await writer.drain()
        last = _chunk(_completion("chat.completion.chunk", {"delta": {}, "finish_reason": "stop"}, body))
        writer.write(last + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


def _completion(kind: str, choice: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, **choice}],
    }


def _chunk(event: dict[str, Any]) -> bytes:
    data = b"data: %s\n\n" % json.dumps(event).encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


async def main(ports: list[int], slots: int, token_seconds: float, models: int) -> None:
    asked: Counter[str] = Counter()
    servers = [
        await asyncio.start_server(Engine(slots, token_seconds, models, asked).serve, "127.0.0.1", port, backlog=512)
        for port in ports
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(
        main(
            [int(port) for port in sys.argv[1].split(",")],
            int(sys.argv[2]),
            float(sys.argv[3]),
            int(sys.argv[4]) if len(sys.argv) > 4 else 0,
        )
    )
