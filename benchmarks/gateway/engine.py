# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that costs next to nothing: a token every few milliseconds, as many as `max_tokens` says, streamed or not.

python engine.py PORT SLOTS TOKEN_SECONDS    with as many requests at the same time as it has slots; the others wait, first come, first served
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any


class Engine:
    def __init__(self, slots: int, token_seconds: float) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._token_seconds = token_seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
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


async def main(port: int, slots: int, token_seconds: float) -> None:
    server = await asyncio.start_server(Engine(slots, token_seconds).serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
