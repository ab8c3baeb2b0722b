#!/usr/bin/env python3
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ask.py: one question to an assistant or a model, with nothing but Python.

    HEARTH_URL=https://llm.blue.local HEARTH_API_KEY=... HEARTH_CA=ca.pem \\
        examples/ask.py anythingllm docexplorer "What is the secret of the Club sandwich?"

The first word says whom to ask: gateway (a served model), anythingllm (a workspace, by its slug) or open_webui (an assistant, by its id).
The answer goes to standard output; sources, tokens and times go to standard error, and to HEARTH_LOG_FILE where that is set.

    examples/ask.py gateway hearth-mini "How many?" --repeat 20 --users 3 --records requests.jsonl

asks as three people who each ask twenty times, one question after the other, and writes a line of JSON for each request, in the format that
playbooks/measure.yml has (docs/measuring.md). An answer of the gateway then comes as a stream, so that its first word has a time.

The environment says the rest; what was written for AnythingLLM's API under the names on the right goes on working:
    HEARTH_URL             where the service is                               ANYTHING_LLM_BASE_URL
    HEARTH_API_KEY         the key to show there                              ANYTHING_LLM_API_KEY
    HEARTH_NAME            whom to ask, where the command does not say        ANYTHING_LLM_TEST_WORKSPACE
    HEARTH_QUESTION        what to ask, where the command does not say        ANYTHING_LLM_TEST_PROMPT
    HEARTH_CA              PEM file with the CA to trust; the system's
    HEARTH_TIMEOUT         seconds for an answer; 900                         ANYTHING_LLM_REQUEST_TIMEOUT
    HEARTH_ATTEMPTS        how often to ask, where that may help; 3
    HEARTH_LOG_LEVEL       DEBUG, INFO, WARNING or ERROR; INFO                ANYTHING_LLM_LOG_LEVEL
    HEARTH_LOG_FILE        a file for the log, beside standard error          ANYTHING_LLM_LOG_FILE
    HEARTH_LOG_MAX_BYTES   size at which that file is rotated; 5242880        ANYTHING_LLM_LOG_MAX_BYTES
    HEARTH_LOG_BACKUPS     how many rotated files are kept; 3                 ANYTHING_LLM_LOG_BACKUP_COUNT
    HEARTH_USERS           how many ask at the same time; 1                   ANYTHING_LLM_NUM_USERS
    HEARTH_REPEAT          how often each asks; 1                             ANYTHING_LLM_NUM_ITERATIONS
    HEARTH_KEY_NAME        what the key is called in the records; unnamed
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import logging
import logging.handlers
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# Answers that may be different a moment later.
TRANSIENT = (408, 429, 500, 502, 503, 504)
LONGEST_WAIT_SECONDS = 10
LARGEST = 1e9
MOST_USERS = 200
# The names of another program for the same things.
ALSO = {
    "HEARTH_URL": "ANYTHING_LLM_BASE_URL",
    "HEARTH_NAME": "ANYTHING_LLM_TEST_WORKSPACE",
    "HEARTH_QUESTION": "ANYTHING_LLM_TEST_PROMPT",
    "HEARTH_TIMEOUT": "ANYTHING_LLM_REQUEST_TIMEOUT",
    "HEARTH_LOG_BACKUPS": "ANYTHING_LLM_LOG_BACKUP_COUNT",
    "HEARTH_USERS": "ANYTHING_LLM_NUM_USERS",
    "HEARTH_REPEAT": "ANYTHING_LLM_NUM_ITERATIONS",
}
log = logging.getLogger("ask")


class CallError(Exception):
    """Something that the caller has to say, or to say otherwise."""


def setting(name: str, default: str | None = None) -> str:
    """A variable of the environment, under either of its names."""
    value = os.environ.get(name) or os.environ.get(ALSO.get(name, name.replace("HEARTH_", "ANYTHING_LLM_")))
    if not value and default is None:
        raise CallError(f"{name} is not set. See {sys.argv[0]} --help.")
    return value or str(default)


def number(name: str, default: str, least: float = 1) -> float:
    try:
        value = float(setting(name, default))
    except ValueError:
        value = least - 1
    if not least <= value <= LARGEST:
        raise CallError(f"{name} is '{setting(name, default)}': write a number from {least:g} to {LARGEST:g}.")
    return value


@dataclass(frozen=True)
class Answer:
    text: str
    sources: list[str]
    # prompt_tokens, completion_tokens, total_tokens and, where the server says it, more.
    metrics: dict[str, Any]


class InAnswerError(ValueError):
    """An answer by 200 that is none."""


class CutError(ValueError):
    """A stream that did not come to its end."""


@dataclass
class Record:
    """A request as it is written down, as docs/measuring.md says. Times are seconds since the program began to ask."""

    id: str | None = None
    n: int = 0
    series: str = "ask"
    user: int = 0
    model: str = ""
    workspace: str | None = None
    key: str = "unnamed"
    prompt: str = ""
    scheduled: float = 0
    started: float = 0
    first: float | None = None
    ended: float = 0
    gaps: list[float] = field(default_factory=list)
    pieces: int = 0
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    status: int | None = None
    finish: str | None = None
    error: dict[str, str] | None = None
    retries: int = 0
    # The gateway's own log knows these.
    queue: float | None = None
    gateway: float | None = None
    server: str | None = None


@dataclass
class Loop:
    """Several who ask, and the file that they write into together."""

    records: Any = None
    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0
    failed: bool = False

    @property
    def now(self) -> float:
        return round(time.monotonic() - self.began, 6)

    def begin(self, target: str, name: str, question: str, user: int) -> Record:
        with self.lock:
            record, now = Record(n=self.number, user=user), self.now
            record.scheduled = record.started = now
            self.number += 1
        record.model, record.workspace = (name, None) if target == "gateway" else ("", name)
        record.prompt = hashlib.sha256(question.encode()).hexdigest()[:12]
        record.key = setting("HEARTH_KEY_NAME", "unnamed")
        return record

    def end(self, record: Record) -> None:
        record.ended = self.now
        if self.records:
            with self.lock:
                self.records.write(json.dumps(asdict(record)) + "\n")
                self.records.flush()


def question_for(target: str, name: str, question: str) -> tuple[str, dict[str, Any]]:
    """The path to ask, and what to send there."""
    if target == "anythingllm":
        return f"/api/v1/workspace/{urllib.parse.quote(name, safe='')}/chat", {"message": question, "mode": "chat"}
    path = "/v1/chat/completions" if target == "gateway" else "/api/chat/completions"
    return path, {"model": name, "messages": [{"role": "user", "content": question}]}


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key is for the service that was named, and for none that it points to."""

    def redirect_request(self, *_anything: Any) -> None:
        return None


def read(target: str, content: Any) -> Answer:
    """What was answered, or in words that it is none."""
    try:
        answer = _read(target, content)
    except (AttributeError, IndexError, KeyError, TypeError):
        raise InAnswerError(f"the service has answered something else: {json.dumps(content)[:500]}") from None
    if not isinstance(answer.text, str):
        raise InAnswerError(f"there is no text in what was answered: {json.dumps(content)[:500]}")
    return answer


def _read(target: str, content: dict[str, Any]) -> Answer:
    if target == "anythingllm":
        if content.get("error"):
            raise InAnswerError(content["error"])
        titles = [source.get("title", "") for source in content.get("sources") or []]
        return Answer(content["textResponse"], titles, dict(content.get("metrics") or {}))
    found = content.get("sources") or []
    titles = [source.get("source", {}).get("name", "") for source in found]
    return Answer(content["choices"][0]["message"]["content"], titles, dict(content.get("usage") or {}))


def read_stream(lines: Iterable[bytes], record: Record, loop: Loop) -> Answer:
    """Events of a stream, put together, with the times at which they came."""
    words: list[str] = []
    usage: dict[str, Any] = {}
    last = 0.0
    for line in lines:
        if not line.startswith(b"data: "):
            continue
        if line.strip() == b"data: [DONE]":
            return Answer("".join(words), [], usage)
        event = json.loads(line[6:])
        if event.get("error"):
            raise InAnswerError(json.dumps(event["error"])[:500])
        usage = event.get("usage") or usage
        for choice in event.get("choices") or []:
            record.finish = choice.get("finish_reason") or record.finish
            delta = choice.get("delta") or {}
            piece = delta.get("content") or delta.get("reasoning_content")
            if not piece:
                continue
            words.append(delta.get("content") or "")
            now, record.pieces = loop.now, record.pieces + 1
            if record.first is None:
                record.first = now
            else:
                record.gaps.append(round(now - last, 6))
            last = now
    raise CutError("the answer was cut off")


def api_key() -> str:
    key = setting("HEARTH_API_KEY")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CallError("the key holds a blank, a line end or a letter that no key has: write it without.")
    return key


def ask(target: str, name: str, question: str, record: Record, loop: Loop) -> Answer:
    """Asks, and asks again after 1 to 10 seconds, or when the server says, where that may help."""
    path, body = question_for(target, name, question)
    streams = target == "gateway" and loop.records is not None
    if streams:
        body.update(stream=True, stream_options={"include_usage": True})
    request = urllib.request.Request(
        setting("HEARTH_URL").rstrip("/") + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {api_key()}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=os.environ.get("HEARTH_CA") or None)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirects)
    attempts, seconds = int(number("HEARTH_ATTEMPTS", "3")), number("HEARTH_TIMEOUT", "900")
    for attempt in range(1, attempts + 1):
        wait = float(min(LONGEST_WAIT_SECONDS, 2 ** (attempt - 1)))
        record.retries, record.status = attempt - 1, None
        try:
            with opener.open(request, timeout=seconds) as response:
                record.id, record.status = response.headers.get("X-Request-Id"), response.status
                return read_stream(response, record, loop) if streams else read(target, json.load(response))
        except urllib.error.HTTPError as error:
            record.id, record.status = error.headers.get("X-Request-Id"), error.code
            words = error.read(2000).decode("utf-8", "replace")
            if error.code not in TRANSIENT or attempt == attempts:
                raise ValueError(f"{error.code}: {words}") from error
            asked = error.headers.get("Retry-After") or ""
            # Nobody waits longer for a turn than for an answer.
            wait = min(float(asked), seconds) if asked.isdecimal() else wait
            log.warning("answered %s, asking again in %.0f s", error.code, wait)
        except (urllib.error.URLError, http.client.RemoteDisconnected) as error:
            # A service that starts, or a gateway that is replaced. Whoever was asked and is silent is not asked again.
            reason = getattr(error, "reason", error)
            if not isinstance(reason, ConnectionError) or attempt == attempts:
                raise
            log.warning("%s, asking again in %.0f s", reason, wait)
        time.sleep(wait)
    raise AssertionError("unreachable: the last attempt returns or raises")


def kind_of(error: Exception, record: Record) -> str:
    """What went wrong, in a word of the records."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        return "tls"
    if isinstance(reason, TimeoutError):
        return "timeout"
    if isinstance(error, InAnswerError):
        return "in_answer"
    if isinstance(error, (CutError, http.client.IncompleteRead)):
        return "cut"
    if record.status is not None:
        return "protocol" if record.status < 300 else "status"
    return "connect" if isinstance(reason, OSError) else "protocol"


def ask_once(target: str, name: str, question: str, user: int, loop: Loop) -> None:
    """A question, its answer, and what is written down of it."""
    record = loop.begin(target, name, question, user)
    try:
        answer = ask(target, name, question, record, loop)
    except (OSError, ValueError, http.client.HTTPException) as error:
        log.error("no answer: %s", error or type(error).__name__)
        record.error = {"kind": kind_of(error, record), "message": str(error or type(error).__name__)[:300]}
        loop.failed = True
        loop.end(record)
        return
    except KeyboardInterrupt:
        record.error = {"kind": "interrupted", "message": "broken off by whoever ran it"}
        loop.end(record)
        raise
    measures = {**answer.metrics, "duration": round(loop.now - record.started, 3)}
    record.tokens_in, record.tokens_out = measures.get("prompt_tokens"), measures.get("completion_tokens")
    record.tokens_cached = (measures.get("prompt_tokens_details") or {}).get("cached_tokens")
    if record.tokens_out is not None and measures["duration"] > 0:
        measures.setdefault("outputTps", round(record.tokens_out / measures["duration"], 2))
    loop.end(record)
    log.info("sources: %s", ", ".join(answer.sources) or "none")
    log.info("metrics: %s", json.dumps(measures))
    print(answer.text)


def start_log() -> None:
    level = setting("HEARTH_LOG_LEVEL", "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise CallError(f"HEARTH_LOG_LEVEL is '{level}': write DEBUG, INFO, WARNING or ERROR.")
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path := setting("HEARTH_LOG_FILE", ""):
        size, backups = number("HEARTH_LOG_MAX_BYTES", "5242880"), number("HEARTH_LOG_BACKUPS", "3", least=0)
        handlers.append(logging.handlers.RotatingFileHandler(path, maxBytes=int(size), backupCount=int(backups)))
    logging.basicConfig(level=level, format="%(message)s", handlers=handlers)


def ask_all(target: str, name: str, question: str, times: int, users: int, loop: Loop) -> None:
    """Each user asks one question after the other, and all ask at the same time."""

    def one(user: int) -> None:
        for _turn in range(times):
            ask_once(target, name, question, user, loop)

    # Ctrl-C ends them all: what has ended by then is written down.
    others = [threading.Thread(target=one, args=(user,), daemon=True) for user in range(1, users)]
    for thread in others:
        thread.start()
    one(0)
    for thread in others:
        thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=["gateway", "anythingllm", "open_webui"])
    parser.add_argument("name", nargs="?", help="served model, workspace's slug, or assistant's id")
    parser.add_argument("question", nargs="?")
    parser.add_argument("--repeat", type=int, help="how often each user asks")
    parser.add_argument("--users", type=int, help="how many ask at the same time")
    parser.add_argument("--records", metavar="FILE", help="a file that gets a line of JSON for each request")
    options = parser.parse_args()
    try:
        start_log()
        name, question = options.name or setting("HEARTH_NAME"), options.question or setting("HEARTH_QUESTION")
        # What makes no sense is told before anybody is asked.
        _known = setting("HEARTH_URL"), api_key(), number("HEARTH_ATTEMPTS", "3"), number("HEARTH_TIMEOUT", "900")
        times = options.repeat or int(number("HEARTH_REPEAT", "1"))
        users = options.users or int(number("HEARTH_USERS", "1"))
        if not 1 <= users <= MOST_USERS or times < 1:
            raise CallError(f"--repeat has to be at least 1, and --users a number from 1 to {MOST_USERS}.")
        with Path(options.records or os.devnull).open("a", encoding="utf-8") as records:
            loop = Loop(records if options.records else None)
            ask_all(options.target, name, question, times, users, loop)
    except CallError as error:
        parser.error(str(error))
    except OSError as error:
        log.error("%s: %s", error.filename, error.strerror)
        return 1
    except KeyboardInterrupt:
        return 130
    return 1 if loop.failed else 0


if __name__ == "__main__":
    sys.exit(main())
