# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that repeats whatever it is told, in every way that servers do.

The first two steps of a path say what it answers: `/200/json`, `/401/json`, `/401/text`, `/401/html`, `/422/json`, `/302/text`, `/500/escaped`,
`/0/reset`, `/0/garbage`.
"""

from __future__ import annotations

import base64
import html
import http.server
import json
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote

MOODS = (
    "/200/json",
    "/200/text",
    "/401/json",
    "/401/text",
    "/401/html",
    "/422/json",
    "/302/text",
    "/500/escaped",
    "/0/reset",
    "/0/garbage",
)


class Gossip:
    """Listens on loopback, with TLS where there is a `pem`. `told` is all that it heard."""

    def __init__(self, pem: Path | None = None) -> None:
        told: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
                heard = f"{self.path}\n{self.headers.get('Authorization', '')}\n{self.headers.get('Proxy-Authorization', '')}\n{body}"
                told.append(heard)
                _empty, status, kind, *_rest = [*self.path.split("/"), "", ""]
                if kind == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    return
                if kind == "garbage":
                    self.wfile.write(f"I was told {heard}\r\n\r\n".encode())
                    self.close_connection = True
                    return
                content, content_type = said(heard, self.headers.get("Authorization", ""), body, kind)
                self.send_response(int(status) if status.isdigit() else 404, f"No {quote(heard[:300])}")
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                if status == "302":
                    self.send_header("Location", f"/elsewhere?heard={quote(heard[:2000])}")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = do_CONNECT = respond  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                """Nobody reads it."""

        self.told = told
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_request: None  # type: ignore[method-assign]
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if pem else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def said(heard: str, authorization: str, body: str, kind: str) -> tuple[bytes, str]:
    """The body of an answer, and its type."""
    if kind == "text":
        return f"invalid key {authorization}: {heard}".encode(), "text/plain"
    if kind == "html":
        return f"<html><p>{html.escape(heard)}</p></html>".encode(), "text/html"
    if kind == "escaped":
        twice = json.dumps(json.dumps(heard))
        basic = base64.b64encode(heard.encode()).decode()
        # Deep in a text that is cut off somewhere.
        words = f"{quote(heard)} {unquote(heard)!r} {basic} {twice} {'x' * 150} {authorization}"
        return json.dumps({"error": {"message": words}, "message": words}).encode(), "application/json"
    document = {
        "error": {"message": f"Incorrect API key provided: {authorization}", "type": "invalid_request_error"},
        "message": f"invalid key {authorization}",
        "valid": False,
        "success": False,
        "version": "0.11.0",
        "status": True,
        "id": "1",
        # As FastAPI refuses what it does not like: with the whole input.
        "detail": [{"type": "string_type", "loc": ["body", "password"], "msg": f"Not good: {heard}", "input": body}],
        "data": [{"id": heard, "name": heard, "status": "active"}],
        "results": {"RequiresAuth": True, "MultiUserMode": True, "heard": heard},
        "users": [{"id": 1, "username": "root", "role": "admin", "email": "root@house.example", "name": heard}],
    }
    return json.dumps(document).encode(), "application/json"
