# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks served models until each has answered, or cannot any more, or time is up."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._completion.answer import (
    Answer,
    Clock,
    error_words,
    read_stream,
    read_whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._completion.errors import ProbeError
from ansible_collections.hearth.llm.plugins.module_utils._completion.way import Way
from ansible_collections.hearth.llm.plugins.module_utils._http import USER_AGENT

_MOST_BODY = 1 << 20
# The server is there, and will be ready in a while.
_NOT_READY = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Question:
    """What one served model is asked, and what it has to answer."""

    model: str
    prompt: str
    max_tokens: int
    api_key: str | None = None
    # The whole answer, apart from white space around it; or a pattern that is found in it.
    expect: str | None = None
    expect_match: str | None = None


@dataclass(frozen=True)
class Patience:
    """Seconds: for everything, between two tries, without a sign of life in one try, for failures that waiting cannot heal."""

    timeout: float
    interval: float
    request_timeout: float
    grace: float = 0.0


@dataclass
class Outcome:
    """What became of one question."""

    question: Question
    attempts: int = 0
    waited_seconds: float = 0.0
    answer: Answer | None = None
    failure: ProbeError | None = None
    done: bool = False


@dataclass
class Prober:
    """Asks along one way. The clock and the pause are parameters so that tests need not wait."""

    way: Way
    patience: Patience
    clock: Clock = time.monotonic
    pause: Callable[[float], None] = field(default=time.sleep)

    def ask_all(self, questions: Sequence[Question], *, once: bool = False) -> list[Outcome]:
        """Asks all in turn, round by round: all findings come out at once, and no model waits for another one's time."""
        start = self.clock()
        outcomes = [Outcome(question) for question in questions]
        while True:
            for outcome in outcomes:
                left = start + self.patience.timeout - self.clock()
                if not outcome.done and (left > 0 or not outcome.attempts):
                    self._try(outcome, start, max(left, 1.0))
            left = start + self.patience.timeout - self.clock()
            if once or left <= 0 or all(outcome.done for outcome in outcomes):
                return outcomes
            self.pause(min(self.patience.interval, left))

    def _try(self, outcome: Outcome, start: float, left: float) -> None:
        outcome.attempts += 1
        try:
            outcome.answer = self.ask(outcome.question, left)
            outcome.failure, outcome.done = None, True
        except ProbeError as failure:
            outcome.failure = failure
            outcome.done = not failure.heals and self.clock() - start >= self.patience.grace
        outcome.waited_seconds = round(self.clock() - start, 1)

    def ask(self, question: Question, seconds: float) -> Answer:
        """Asks once, for at most so many seconds."""
        silence = min(self.patience.request_timeout, seconds)
        deadline = self.clock() + seconds
        connection = self.way.open(silence)
        try:
            answer = self._converse(connection, question, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error, silence) from error
        finally:
            connection.close()
        _check(answer, question)
        return answer

    def _converse(self, connection: http.client.HTTPConnection, question: Question, deadline: float) -> Answer:
        asked_at = self.clock()
        connection.request("POST", f"{self.way.parts.path}/chat/completions", _body(question), self._headers(question))
        response = connection.getresponse()
        kind = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if response.status != 200:
            raise self._refusal(response, response.read(_MOST_BODY), kind)
        if kind == "text/event-stream":
            return read_stream(self._lines(response, deadline), asked_at, self.clock)
        if kind == "application/json":
            return read_whole(response.read(_MOST_BODY), asked_at, self.clock)
        raise ProbeError(
            "request",
            f"{self.way.words} answered with {kind or 'something that has no type'}, not with a completion. "
            "Check url: a page of a proxy or of another service answers there.",
            heals=False,
        )

    def _lines(self, response: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
        while True:
            line = response.readline()
            if not line:
                return
            if self.clock() > deadline:
                raise ProbeError(
                    "generation",
                    "the answer had begun and was not complete when the time was up. Raise timeout, or lower max_tokens.",
                    heals=True,
                )
            yield line

    def _headers(self, question: Question) -> Mapping[str, str]:
        host = self.way.parts.netloc.rpartition("@")[2]
        headers = {"Host": host, "User-Agent": USER_AGENT, "Content-Type": "application/json"}
        if question.api_key:
            headers["Authorization"] = f"Bearer {question.api_key}"
        return headers

    def _refusal(self, response: http.client.HTTPResponse, body: bytes, kind: str) -> ProbeError:
        """An answer that is none, in words: which stage it stands for, what the server says, what to do."""
        status = response.status
        words, error = _server_words(body, kind)
        said = f"{self.way.words} answered {status}" + (f" ({words.rstrip('.')})" if words else "")
        stage, remedy, heals = "request", "Check the request and the server's limits", False
        if status in (401, 403):
            stage, remedy = "auth", "Check api_key, and which models it may use"
        elif status in (400, 404) and _is_about_model(words, error):
            stage, remedy = "model", "Check the name against the models that the server lists at /v1/models"
        elif status in _NOT_READY:
            # llama.cpp's router says so when the model's own server has ended.
            stage, remedy, heals = "loading", "Look at the server's log", "failed to load" not in words
        elif status == 404:
            remedy = "Check url: it has to end where /chat/completions follows, mostly in /v1"
        elif 300 <= status < 400:
            remedy = f"It leads to {response.headers.get('Location')}: write in url where that ends"
        return ProbeError(stage, f"{said}. {remedy}.", heals=heals, status=status)

    def _broken(self, error: Exception, silence: float) -> ProbeError:
        """The connection ended, or nothing came, after the question had been sent."""
        if isinstance(error, (socket.timeout, TimeoutError)):
            what = f"took the question and said nothing for {silence:.0f} s. Look at the server's log: the model may still be loading"
            return ProbeError("generation", f"{self.way.words} {what}.", heals=True)
        if isinstance(error, http.client.RemoteDisconnected):
            tls = "; if it speaks TLS, write https:// in url" if self.way.parts.scheme == "http" else ""
            what = f"closed the connection without an answer. Look at the server's log{tls}"
            return ProbeError("request", f"{self.way.words} {what}.", heals=True)
        if isinstance(error, http.client.BadStatusLine):
            what = "does not answer in HTTP. Check url: the scheme, the host and the port"
            return ProbeError("request", f"{self.way.words} {what}.", heals=True)
        what = f"closed the connection ({error or type(error).__name__}). Look at the server's log"
        return ProbeError("generation", f"{self.way.words} {what}.", heals=True)


def _body(question: Question) -> bytes:
    return json.dumps(
        {
            "model": question.model,
            "messages": [{"role": "user", "content": question.prompt}],
            "max_tokens": question.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ).encode("utf-8")


def _server_words(body: bytes, kind: str) -> tuple[str, dict[str, Any]]:
    text = body.decode("utf-8", "replace").strip()
    if kind == "application/json" or text.startswith("{"):
        try:
            return error_words(json.loads(text))
        except ValueError:
            pass
    return ("an HTML page" if text.startswith("<") else " ".join(text.split())[:200]), {}


def _is_about_model(words: str, error: Mapping[str, Any]) -> bool:
    return (
        error.get("code") == "model_not_found"
        or error.get("param") == "model"
        or bool(
            re.search(
                r"\bmodel\b.*\b(not found|unknown|does not exist|not exist|not available)\b|\b(unknown|no such|invalid) model\b",
                words,
                re.IGNORECASE,
            )
        )
    )


def _check(answer: Answer, question: Question) -> None:
    text = answer.text.strip()
    if not text and not answer.reasoning.strip():
        raise ProbeError(
            "answer",
            f"the answer is empty (finish_reason {answer.finish_reason}). Check the model's chat template, and max_tokens.",
            heals=False,
        )
    short = " It was cut off at max_tokens." if answer.finish_reason == "length" else ""
    if question.expect is not None and text != question.expect.strip():
        raise ProbeError("answer", f"expected {question.expect.strip()!r}, and found {text!r}.{short}", heals=False)
    if question.expect_match is not None and not re.search(question.expect_match, text):
        raise ProbeError(
            "answer", f"expected a text that matches {question.expect_match!r}, and found {text!r}.{short}", heals=False
        )
