# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A door as a gateway makes it, or as a careless one does."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

ENGINE = {"/v1/models": {"object": "list", "data": []}, "/slots": [], "/metrics": "# TYPE requests counter\n"}


class Door:
    """Listens on loopback. `answers` are the statuses of what is not refused, by path; without `pem` it talks plain HTTP."""

    def __init__(self, pem: Path | None, answers: Mapping[str, int] | None = None, key: str = "") -> None:
        known = {} if answers is None else dict(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def respond(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                self.rfile.read(length)
                status = known.get(self.path, 404)
                if self.path.startswith("/v1/") and self.path not in known:
                    status = 404 if key and self.headers.get("Authorization") == f"Bearer {key}" else 401
                content = ENGINE.get(self.path, {})
                body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = respond  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                """Nobody reads it."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_request: None  # type: ignore[method-assign]
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            # The handshake is left to each request's own thread.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
