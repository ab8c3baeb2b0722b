# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway asks, over a Unix socket that only its user may open.

POST /models/NAME   begins, where that is needed, and tells how it stands; so does GET, which begins nothing
GET  /models        all of them
GET  /moment        now, by our clock: what a gateway counts behind that is later than what we did before it
POST /usage         a gateway tells who uses what: its number and the moment behind which it has counted, then a line for each model, its requests under way,
                    and how many milliseconds ago it was asked
"""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._fetcher.usage import Usage
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.work import Work

_MODELS = "/models/"
# Thousands of models: a report that is cut off would say that nobody is asked.
_LONGEST_BODY = 1 << 20


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, work: Work, usage: Usage) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.work, self.usage = work, usage
        before = os.umask(0o177)
        try:
            super().__init__(path, _Handler)
        finally:
            os.umask(before)

    def handle_error(self, *_arguments: Any) -> None:
        """Whoever has gone away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 5

    def log_message(self, *_arguments: Any) -> None:
        """Some lines a second would say nothing."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path == "/moment":
            self._answer(200, {"moment": time.monotonic()})
        elif self.path == _MODELS.rstrip("/"):
            self._answer(200, {"models": self.server.work.tell_all()})
        elif self.path.startswith(_MODELS):
            self._answer_of(self.server.work.tell(self.path[len(_MODELS) :]))
        else:
            self._answer(404, {"why": "There is nothing here."})

    def do_POST(self) -> None:
        if self.path == "/usage":
            self._take_usage()
        elif self.path.startswith(_MODELS):
            self._answer_of(self.server.work.want(self.path[len(_MODELS) :]))
        else:
            self._answer(404, {"why": "There is nothing here."})

    def _take_usage(self) -> None:
        try:
            length = min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY)
            first, *lines = self.rfile.read(length).decode("ascii").splitlines()
            gateway, moment = first.split()
            counts = {name: (int(count), int(ago)) for name, count, ago in map(str.split, lines)}
            self.server.usage.report(
                gateway,
                float(moment),
                {name: told for name, told in counts.items() if self.server.work.knows(name)},
            )
        except ValueError:
            self._answer(400, {"why": "This is no report."})
            return
        self._answer(200, {})

    def _answer_of(self, told: dict[str, Any] | None) -> None:
        if told is None:
            self._answer(404, {"why": "No such model is described."})
        else:
            self._answer(200, told)

    def _answer(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told, separators=(",", ":")).encode("ascii")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
