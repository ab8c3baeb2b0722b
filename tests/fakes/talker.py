# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that says, byte for byte, what a test wants it to say: whole answers, halves of them, errors, or nothing."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLOSE, RESET, STALL = "close", "reset", "stall"
Step = bytes | str
# What is said to one request.
Script = Sequence[Step]


class Talker:
    """Says one script after the other, the last one again and again. A connection is kept until a script closes it."""

    def __init__(self, scripts: Sequence[Script], certificate: Path | None = None) -> None:
        self._scripts = scripts
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self._listening.getsockname()[1]
        self.heads: list[str] = []
        self.bodies: list[Any] = []
        self.connections = 0
        # What stalls goes on when the test is over; `asked` is how many have come so far.
        self.over = threading.Event()
        self.asked = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                there, _address = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(there,), daemon=True).start()

    def _serve(self, there: socket.socket) -> None:
        try:
            if self._tls:
                there = self._tls.wrap_socket(there, server_side=True)
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with there, there.makefile("rb") as stream:
                while head := self._head(stream):
                    length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
                    body = json.loads(stream.read(length))
                    with self.asked:
                        number = len(self.heads)
                        self.heads.append(head)
                        self.bodies.append(body)
                        self.asked.notify_all()
                    if not self._say(there, self._scripts[min(number, len(self._scripts) - 1)]):
                        return
        except OSError:
            # Whoever asks may be gone.
            return

    @staticmethod
    def _head(stream: Any) -> str:
        lines = []
        while (line := stream.readline()) not in (b"", b"\r\n"):
            lines.append(line.decode())
        return "".join(lines)

    def _say(self, there: socket.socket, script: Script) -> bool:
        for step in script:
            if isinstance(step, bytes):
                there.sendall(step)
            elif step == STALL:
                self.over.wait()
            else:
                if step == RESET:
                    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
        return True


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Request-Id: 0123-abc\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


def event(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def delta(text: str, finish: str | None = None) -> bytes:
    return event({"choices": [{"delta": {"content": text}, "finish_reason": finish}]})


def answer(*words: str) -> bytes:
    """A whole one."""
    usage = {"prompt_tokens": 20, "completion_tokens": len(words), "prompt_tokens_details": {"cached_tokens": 7}}
    events = [*(delta(word) for word in words), delta("", "stop"), event({"choices": [], "usage": usage})]
    return HEAD + b"".join(map(chunk, [*events, event("[DONE]")])) + b"0\r\n\r\n"


def plain(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# A whole answer of three pieces.
GOOD = answer("One", " two", " thrée")
