# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one question once, and says what each way of not being answered means."""

from __future__ import annotations

import http.client
import json
import re
import socket
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._completion.answer import (
    Answer,
    Clock,
    error_words,
    read_embedding,
    read_ranking,
    read_stream,
    read_whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._completion.picture import data_url
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide, shown
from ansible_collections.hearth.llm.plugins.module_utils._http import USER_AGENT, check_request, safe_url
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token
from ansible_collections.hearth.llm.plugins.module_utils._served_names import instance
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError, Way

_MOST_BODY = 1 << 20
# Where each task is asked.
_PATHS = {"chat": "/chat/completions", "embedding": "/embeddings", "rerank": "/rerank"}
# What a reranker is asked: the right document stands last, for a model that ranks nothing leaves them as they are.
RANKED_QUERY = "What is the capital of France?"
RANKED_DOCUMENTS = ("Bread is baked from flour, water and salt.", "Paris is the capital of France.")
_RIGHT_DOCUMENT = 1
# The server is there, and will be ready in a while.
_NOT_READY = (408, 425, 429, 502, 503, 504)


@dataclass(frozen=True)
class Question:
    """What one served model is asked, where, and what it has to answer."""

    way: Way
    model: str
    prompt: str
    max_tokens: int
    api_key: str | None = None
    # The whole answer, apart from white space around it; or a pattern that is found in it.
    expect: str | None = None
    expect_match: str | None = None
    # chat; embedding, then the prompt is the text to embed; or rerank, which has a question of its own.
    task: str = "chat"
    # Whether a picture goes with the prompt.
    picture: bool = False
    # Which of its instances is asked.
    instance: int = 1

    @property
    def called(self) -> str:
        return instance(self.model, self.instance)


def ask(question: Question, *, seconds: float, silence: float, clock: Clock) -> Answer:
    """The answer, when it comes within so many seconds, and the server is never silent for longer than `silence`."""
    deadline = clock() + seconds
    connection = question.way.open(silence)
    try:
        answer = _converse(connection, question, deadline, clock)
    except (OSError, http.client.HTTPException) as error:
        raise _broken(question.way, error, silence) from error
    finally:
        connection.close()
    _check(answer, question)
    return answer


def _converse(connection: http.client.HTTPConnection, question: Question, deadline: float, clock: Clock) -> Answer:
    asked_at = clock()
    path = question.way.parts.path + _PATHS[question.task]
    headers = _headers(question)
    check_request(f"POST {question.way.words}", path, headers)
    connection.request("POST", path, _body(question), headers)
    response = connection.getresponse()
    kind = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if response.status != 200:
        raise _refusal(question.way, response, response.read(_MOST_BODY), kind)
    if kind == "text/event-stream":
        return read_stream(_lines(response, deadline, clock), asked_at, clock)
    if kind == "application/json" and question.task == "embedding":
        return read_embedding(response.read(_MOST_BODY), asked_at, clock)
    if kind == "application/json" and question.task == "rerank":
        return read_ranking(response.read(_MOST_BODY), len(RANKED_DOCUMENTS), asked_at, clock)
    if kind == "application/json":
        return read_whole(response.read(_MOST_BODY), asked_at, clock)
    raise ProbeError(
        "request",
        f"{question.way.words} answered with {kind or 'something that has no type'}, not with a completion. "
        "Check url: a page of a proxy or of another service answers there.",
        heals=False,
    )


def _lines(response: http.client.HTTPResponse, deadline: float, clock: Clock) -> Iterator[bytes]:
    while True:
        line = response.readline()
        if not line:
            return
        if clock() > deadline:
            raise ProbeError(
                "generation",
                "the answer had begun and was not complete when the time was up. Raise timeout, or lower max_tokens.",
                heals=True,
            )
        yield line


def _check_ranking(scores: Sequence[float]) -> None:
    best = max(scores)
    if scores[_RIGHT_DOCUMENT] < best or scores.count(best) > 1:
        raise ProbeError(
            "answer",
            f"to {RANKED_QUERY!r} it ranks {RANKED_DOCUMENTS[0]!r} ({scores[0]:.3g}) no lower than {RANKED_DOCUMENTS[1]!r} ({scores[1]:.3g}). "
            "Choose a file that was converted as a reranker: without its last layer a model gives scores that mean nothing.",
            heals=False,
        )


def _headers(question: Question) -> Mapping[str, str]:
    host = question.way.parts.netloc.rpartition("@")[2]
    headers = {"Host": host, "User-Agent": USER_AGENT, "Content-Type": "application/json"}
    if question.api_key:
        hide(question.api_key)
        check_token("api_key", question.api_key)
        headers["Authorization"] = f"Bearer {question.api_key}"
    return headers


def _refusal(way: Way, response: http.client.HTTPResponse, body: bytes, kind: str) -> ProbeError:
    """An answer that is none, in words: which stage it stands for, what the server says, what to do."""
    status = response.status
    words, error = _server_words(body, kind)
    said = f"{way.words} answered {status}" + (f" ({words.rstrip('.')})" if words else "")
    stage, remedy, heals = "request", "Check the request and the server's limits", False
    if status in (401, 403):
        stage, remedy = "auth", "Check api_key, and which models it may use"
    elif status in (400, 404) and _is_about_model(words, error):
        stage, remedy = "model", "Check the name against the models that the server lists at /v1/models"
    elif status in _NOT_READY:
        stage, remedy, heals = "loading", "Look at the server's log", True
    elif status == 500 and "failed to load" in words:
        # llama.cpp's router says so when the model's own server has ended.
        stage, remedy = "loading", "Look at the server's log"
    elif status >= 500:
        stage, remedy, heals = "generation", "Look at the server's log", True
    elif status == 404:
        remedy = "Check url: it has to end where /chat/completions follows, mostly in /v1"
    elif 300 <= status < 400:
        remedy = f"It leads to {safe_url(response.headers.get('Location') or '')}: write in url where that ends"
    return ProbeError(stage, f"{said}. {remedy}.", heals=heals, status=status)


def _broken(way: Way, error: Exception, silence: float) -> ProbeError:
    """The connection ended, or nothing came, after the question had been sent."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        what = f"took the question and said nothing for {silence:.0f} s. Look at the server's log: the model may still be loading"
        return ProbeError("generation", f"{way.words} {what}.", heals=True)
    if isinstance(error, http.client.RemoteDisconnected):
        tls = "; if it speaks TLS, write https:// in url" if way.parts.scheme == "http" else ""
        what = f"closed the connection without an answer. Look at the server's log{tls}"
        return ProbeError("request", f"{way.words} {what}.", heals=True)
    if isinstance(error, http.client.BadStatusLine):
        what = "does not answer in HTTP. Check url: the scheme, the host and the port"
        return ProbeError("request", f"{way.words} {what}.", heals=True)
    what = f"closed the connection ({shown(str(error))[:300] or type(error).__name__}). Look at the server's log"
    return ProbeError("generation", f"{way.words} {what}.", heals=True)


def _body(question: Question) -> bytes:
    if question.task == "embedding":
        return json.dumps({"model": question.model, "input": question.prompt}).encode("utf-8")
    if question.task == "rerank":
        ranked = {"model": question.model, "query": RANKED_QUERY, "documents": RANKED_DOCUMENTS}
        return json.dumps(ranked).encode("utf-8")
    content: Any = question.prompt
    if question.picture:
        picture = {"type": "image_url", "image_url": {"url": data_url()}}
        content = [{"type": "text", "text": question.prompt}, picture]
    return json.dumps(
        {
            "model": question.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": question.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ).encode("utf-8")


def _server_words(body: bytes, kind: str) -> tuple[str, dict[str, Any]]:
    text = shown(body.decode("utf-8", "replace")).strip()
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
    if question.task == "embedding":
        return
    if question.task == "rerank":
        _check_ranking(answer.scores)
        return
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
