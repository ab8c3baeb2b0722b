# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, answers in the manner of express, and which function answers which path."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application


class RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


class ProcessEndedError(Exception):
    """Ends the process, and the container with it: nobody gets an answer."""


@dataclass
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    # Pieces of a body that is not known yet.
    stream: Iterator[bytes] | None = None


@dataclass
class Request:
    method: str
    target: str
    headers: Any
    body: bytes
    # What the route's pattern found in the path.
    names: dict[str, str] = field(default_factory=dict)
    # Who asks, where a session says so.
    user: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str, default: str = "") -> str:
        return parse_qs(urlsplit(self.target).query).get(name, [default])[0]

    def json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body.decode("utf-8") or "{}")
        except ValueError:
            raise RefusedError(status(400)) from None
        return value if isinstance(value, dict) else {}

    @property
    def bearer(self) -> str:
        words = str(self.headers.get("Authorization") or "").split(" ")
        return words[1] if len(words) > 1 else ""


def answer(value: Any, code: int = 200) -> Answer:
    return Answer(code, json.dumps(value).encode("utf-8"), "application/json; charset=utf-8")


def status(code: int) -> Answer:
    """As express answers with sendStatus: the words of the status, not JSON."""
    return Answer(code, HTTPStatus(code).phrase.encode("ascii"))


Handler = Callable[["Application", Request], Answer]


@dataclass
class Route:
    method: str
    pattern: re.Pattern[str]
    guard: str
    handler: Handler


ROUTES: list[Route] = []


def route(method: str, path: str, guard: str = "key") -> Callable[[Handler], Handler]:
    """guard: none, a session (also open where the server is), single (a session, and nobody in multi-user mode), staff (a session; of an
    administrator or a manager, where there are users), admin (an administrator's session), key, or users (a key, and multi-user mode)."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"/?")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, guard, handler))
        return handler

    return register


def find(request: Request) -> Route | None:
    for known in ROUTES:
        match = known.pattern.fullmatch(request.path)
        if match and known.method == request.method:
            request.names = {name: unquote(value) for name, value in match.groupdict().items()}
            return known
    return None
