# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands at the address of a model that is not loaded, until somebody asks it something.

Whoever only looks (GET) is told that it is not loaded. Whoever asks is held until the engine is there, which then takes over the address itself: what came
before is passed on to it, and what comes later never passes here.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import zlib
from pathlib import Path

LOOKS = ("GET", "HEAD", "OPTIONS")
LONGEST_HEAD = 65536
HEAD_SECONDS = 10


class Doorstep:
    def __init__(self, address: Path, name: str) -> None:
        self._address, self._name = address, name
        # Where the engine listens while it loads: no longer than the address, for the kernel takes short paths only.
        self.engine_address = address.with_name(f".{zlib.crc32(address.name.encode()):08x}.sock")
        self.is_asked = threading.Event()
        self._is_ready = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen(128)
        threading.Thread(target=self._receive, daemon=True).start()

    def hand_over(self) -> None:
        """Nobody is lost: whoever has come to the old socket is taken in by its thread, which goes on."""
        self.engine_address.rename(self._address)
        self._is_ready.set()

    def _receive(self) -> None:
        while True:
            client, _nobody = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = read_head(client)
            if not head:
                return
            method, path, *_rest = [*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), "", ""]
            if method in LOOKS:
                client.sendall(answer(*self._told(path.partition("?")[0])))
                return
            self.is_asked.set()
            self._is_ready.wait()
            pass_on(client, head, self._address)

    def _told(self, path: str) -> tuple[str, object]:
        """In the words of llama-server and of its router."""
        state = "loading" if self.is_asked.is_set() else "unloaded"
        if path == "/health":
            return "200 OK", {"status": "ok"}
        if path == "/v1/models":
            return "200 OK", {
                "object": "list",
                "data": [{"id": self._name, "object": "model", "status": {"value": state}}],
            }
        error = {"code": 503, "message": "The model is not loaded", "type": "unavailable_error"}
        return "503 Service Unavailable", {"error": error}


def read_head(client: socket.socket) -> bytes:
    """With whatever of the body came along; nothing from whoever only looks whether somebody listens."""
    client.settimeout(HEAD_SECONDS)
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
        piece = client.recv(LONGEST_HEAD)
        if not piece:
            return b""
        head += piece
    client.settimeout(None)
    return head


def answer(status: str, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def pass_on(client: socket.socket, begun: bytes, address: Path) -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.connect(str(address))
        engine.sendall(begun)
        back = threading.Thread(target=pump, args=(engine, client), daemon=True)
        back.start()
        pump(client, engine)
        back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    # Each side is told when the other one has ended.
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
