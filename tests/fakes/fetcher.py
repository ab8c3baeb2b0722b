# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service that fetches models on their first request, as far as who looks can see it: what it tells of its models at its socket."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self


class Fetcher:
    """Listens while it is used as a context; `models` are told as they are then."""

    def __init__(self, socket: Path) -> None:
        self.models: list[dict[str, Any]] = []
        fetcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"models": fetcher.models}).encode() if self.path == "/models" else b"{}"
                self.send_response(200 if self.path == "/models" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        socket.parent.mkdir(exist_ok=True)
        self._socket = socket
        self._server = socketserver.ThreadingUnixStreamServer(str(socket), Handler)

    def tell(self, name: str, state: str, **more: Any) -> None:
        told = {"done_bytes": 0, "total_bytes": 0, "eta_seconds": None, "retry_seconds": 0, "reason": "", "why": ""}
        self.models = [{"name": name, "state": state, **told, **more}]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._socket.unlink()
