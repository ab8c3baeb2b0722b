# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site behind a gateway: says what it was asked, streams events, and echoes over a WebSocket (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Site:
    """Listens while it is used as a context. Its second event waits for `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.headers = Message()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"


class _Server(ThreadingHTTPServer):
    site: Site
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.site.headers = self.headers
        if self.path == "/events":
            self._events()
        elif self.path == "/ws":
            self._echo()
        else:
            self._say()

    def do_POST(self) -> None:
        self.do_GET()

    def _say(self) -> None:
        size = len(self.rfile.read(int(self.headers["Content-Length"] or 0)))
        body = f"{self.command} {self.path} {size}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: one\n\n")
        self.server.site.go.wait()
        self.wfile.write(b"data: two\n\n")

    def _echo(self) -> None:
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + _GUID).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        # One short text frame with a mask of zeros comes back as the server's own.
        head = self.rfile.read(6)
        self.wfile.write(head[:1] + bytes([head[1] & 0x7F]) + self.rfile.read(head[1] & 0x7F))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """A test says itself what matters."""
