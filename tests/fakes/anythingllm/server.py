# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container as a test holds it: started, restarted, removed and made anew."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Mapping

from fakes.anythingllm.application import Application
from fakes.anythingllm.control import Control
from fakes.anythingllm.environment import Environment
from fakes.anythingllm.http import Answer, ProcessEndedError, Request


class AnythingLLM:
    """Without `env_file` the settings are in the container, and go with it.

    Whatever ends the process: from then on every connection is reset, until the container is started again; `on_end` is called first.
    """

    def __init__(
        self,
        storage: Path,
        *,
        env_file: Path | None = None,
        environment: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.storage, self.env_file = storage, env_file
        self.environment = dict(environment or {})
        self.control = Control()
        self.ended = ""
        self._on_end = on_end
        self._container = Path(tempfile.mkdtemp(prefix="anythingllm-"))
        # The image has it, two levels above the storage that it expects.
        if storage.parts[-2:] == ("server", "storage"):
            (storage.parent.parent / "collector" / "hotdir").mkdir(parents=True, exist_ok=True)
        self._application = self._boot()
        self._server = _Server((host, port), _Handler)
        self._server.frontend = self
        self.url: str = f"http://{host}:{self._server.server_address[1]}"

    def _boot(self) -> Application:
        path = self.env_file or self._container / ".env"
        return Application(Environment(self.environment, path), self.storage, self.control)

    def restart(self) -> None:
        self._application.close()
        self._application = self._boot()
        self.ended = ""

    def recreate(self, environment: Mapping[str, str] | None = None) -> None:
        """docker rm and docker run: what was not mounted is gone."""
        (self._container / ".env").unlink(missing_ok=True)
        if environment is not None:
            self.environment = dict(environment)
        self.restart()

    @property
    def env_path(self) -> Path:
        return self.env_file or self._container / ".env"

    @property
    def environment_now(self) -> dict[str, str]:
        """process.env of what runs."""
        return self._application.environment.values

    @property
    def store(self) -> Any:
        """What the UI would do by hand."""
        return self._application.store

    def handle(self, request: Request) -> Answer | None:
        """None where no process is there that could answer."""
        if self.ended:
            return None
        try:
            return self._application.handle(request)
        except ProcessEndedError as error:
            self.ended = str(error)
            self.control.log(self.ended)
            if self._on_end:
                self._on_end()
            return None

    def serve_forever(self) -> None:
        self._server.serve_forever(0.05)

    def close(self) -> None:
        self._server.server_close()
        self._application.close()
        shutil.rmtree(str(self._container))

    def __enter__(self) -> AnythingLLM:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self.close()


class _Server(ThreadingHTTPServer):
    frontend: AnythingLLM
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b""
        answer = self.server.frontend.handle(Request(self.command, self.path, self.headers, body))
        if answer is None:
            self._reset()
            return
        try:
            self._send(answer)
        except ConnectionError:
            # Nobody waits any longer. What was asked for is done all the same.
            self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("X-Powered-By", "Express")
        if answer.stream is None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.stream:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_arguments: object) -> None:
        """Who asked what, the counts say."""
