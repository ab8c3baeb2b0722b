#!/usr/bin/env python3
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ask.py: one question to an assistant or a model, with nothing but Python.

    HEARTH_URL=https://llm.blue.local HEARTH_API_KEY=... HEARTH_CA=ca.pem \\
        examples/ask.py anythingllm docexplorer "What is the secret of the Club sandwich?"

The first word says whom to ask: gateway (a served model), anythingllm (a workspace, by its slug) or open_webui (an assistant, by its id).
The answer goes to standard output; sources, tokens and times go to standard error, and to HEARTH_LOG_FILE where that is set.

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
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import logging.handlers
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

# Answers that may be different a moment later.
TRANSIENT = (408, 429, 502, 503, 504)
LONGEST_WAIT_SECONDS = 10
LARGEST = 1e9
# The names of another program for the same things.
ALSO = {
    "HEARTH_URL": "ANYTHING_LLM_BASE_URL",
    "HEARTH_NAME": "ANYTHING_LLM_TEST_WORKSPACE",
    "HEARTH_QUESTION": "ANYTHING_LLM_TEST_PROMPT",
    "HEARTH_TIMEOUT": "ANYTHING_LLM_REQUEST_TIMEOUT",
    "HEARTH_LOG_BACKUPS": "ANYTHING_LLM_LOG_BACKUP_COUNT",
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
        raise ValueError(f"the service has answered something else: {json.dumps(content)[:500]}") from None
    if not isinstance(answer.text, str):
        raise ValueError(f"there is no text in what was answered: {json.dumps(content)[:500]}")
    return answer


def _read(target: str, content: dict[str, Any]) -> Answer:
    if target == "anythingllm":
        if content.get("error"):
            raise ValueError(content["error"])
        titles = [source.get("title", "") for source in content.get("sources") or []]
        return Answer(content["textResponse"], titles, dict(content.get("metrics") or {}))
    found = content.get("sources") or []
    titles = [source.get("source", {}).get("name", "") for source in found]
    return Answer(content["choices"][0]["message"]["content"], titles, dict(content.get("usage") or {}))


def ask(target: str, name: str, question: str) -> Answer:
    """Asks, and asks again after 1 to 10 seconds, or when the server says, where that may help."""
    path, body = question_for(target, name, question)
    key = setting("HEARTH_API_KEY")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CallError("the key holds a blank, a line end or a letter that no key has: write it without.")
    request = urllib.request.Request(
        setting("HEARTH_URL").rstrip("/") + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=os.environ.get("HEARTH_CA") or None)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirects)
    attempts, seconds = int(number("HEARTH_ATTEMPTS", "3")), number("HEARTH_TIMEOUT", "900")
    for attempt in range(1, attempts + 1):
        wait = float(min(LONGEST_WAIT_SECONDS, 2 ** (attempt - 1)))
        try:
            with opener.open(request, timeout=seconds) as response:
                return read(target, json.load(response))
        except urllib.error.HTTPError as error:
            words = error.read(2000).decode("utf-8", "replace")
            if error.code not in TRANSIENT or attempt == attempts:
                raise ValueError(f"{error.code}: {words}") from error
            asked = error.headers.get("Retry-After") or ""
            # Nobody waits longer for a turn than for an answer.
            wait = min(float(asked), seconds) if asked.isdecimal() else wait
            log.warning("answered %s, asking again in %.0f s", error.code, wait)
        except urllib.error.URLError as error:
            # Nobody was asked yet: a service that starts, or a gateway that is replaced.
            if not isinstance(error.reason, ConnectionRefusedError) or attempt == attempts:
                raise
            log.warning("%s, asking again in %.0f s", error.reason, wait)
        time.sleep(wait)
    raise AssertionError("unreachable: the last attempt returns or raises")


def start_log() -> None:
    level = setting("HEARTH_LOG_LEVEL", "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise CallError(f"HEARTH_LOG_LEVEL is '{level}': write DEBUG, INFO, WARNING or ERROR.")
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path := setting("HEARTH_LOG_FILE", ""):
        size, backups = number("HEARTH_LOG_MAX_BYTES", "5242880"), number("HEARTH_LOG_BACKUPS", "3", least=0)
        handlers.append(logging.handlers.RotatingFileHandler(path, maxBytes=int(size), backupCount=int(backups)))
    logging.basicConfig(level=level, format="%(message)s", handlers=handlers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=["gateway", "anythingllm", "open_webui"])
    parser.add_argument("name", nargs="?", help="served model, workspace's slug, or assistant's id")
    parser.add_argument("question", nargs="?")
    options = parser.parse_args()
    try:
        start_log()
        name, question = options.name or setting("HEARTH_NAME"), options.question or setting("HEARTH_QUESTION")
        begin = time.monotonic()
        answer = ask(options.target, name, question)
    except CallError as error:
        parser.error(str(error))
    except (OSError, ValueError, http.client.HTTPException) as error:
        log.error("no answer: %s", error or type(error).__name__)
        return 1
    measures = {**answer.metrics, "duration": round(time.monotonic() - begin, 3)}
    log.info("sources: %s", ", ".join(answer.sources) or "none")
    log.info("metrics: %s", json.dumps(measures))
    print(answer.text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
