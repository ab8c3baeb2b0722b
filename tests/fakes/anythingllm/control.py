# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a fake has: how often it was asked, and what it does wrong when it is told to."""

from __future__ import annotations

import fnmatch
import threading
from typing import TYPE_CHECKING, Any

from fakes.anythingllm.http import Answer, Request, answer, route

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

# POST requests that change nothing.
QUESTIONS = (
    "*/vector-search",
    "*/chat",
    "*/stream-chat",
    "*/chat/completions",
    "*/openai/embeddings",
    "*/custom-models",
)


class Control:
    """Faults: `collector_offline` (bool), `embedding_fails` and `embedding_waits` (a pattern of titles; the second as long as it is set),
    `answers` (list of {match, status, body, times}), `version` (what it says it is)."""

    def __init__(self) -> None:
        self.faults: dict[str, Any] = {}
        self.lines: list[str] = []
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.requests = self.writes = self.logins = 0
        self.paths: dict[str, int] = {}

    def seen(self, method: str, path: str) -> None:
        with self._lock:
            self.requests += 1
            self.paths[f"{method} {path}"] = self.paths.get(f"{method} {path}", 0) + 1
            if path == "/api/request-token":
                self.logins += 1
            elif method not in ("GET", "HEAD") and not any(fnmatch.fnmatchcase(path, end) for end in QUESTIONS):
                self.writes += 1

    def counts(self) -> dict[str, Any]:
        return {"requests": self.requests, "writes": self.writes, "logins": self.logins, "paths": dict(self.paths)}

    def strikes(self, target: str) -> dict[str, Any] | None:
        with self._lock:
            for fault in self.faults.get("answers", []):
                if fnmatch.fnmatchcase(target, fault["match"]) and fault.get("times", 1) != 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return dict(fault)
        return None

    def log(self, text: str) -> None:
        self.lines.append(text)


@route("GET", "/_fake/counts", "none")
def _counts(app: Application, _request: Request) -> Answer:
    return answer(app.control.counts())


@route("DELETE", "/_fake/counts", "none")
def _forget(app: Application, _request: Request) -> Answer:
    app.control.reset()
    return answer(app.control.counts())


@route("POST", "/_fake/faults", "none")
def _faults(app: Application, request: Request) -> Answer:
    app.control.faults = request.json()
    return answer(app.control.faults)


@route("GET", "/_fake/log", "none")
def _log(app: Application, _request: Request) -> Answer:
    return answer(app.control.lines)
