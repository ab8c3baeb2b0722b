#!/usr/bin/env python3
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ask.py: one question to an assistant or a model, with nothing but Python.

    HEARTH_URL=https://llm.blue.local HEARTH_API_KEY=... HEARTH_CA=ca.pem \\
        examples/ask.py anythingllm docexplorer "What is the secret of the Club sandwich?"

The first word says whom to ask: gateway (a served model), anythingllm (a workspace, by its slug) or open_webui (an assistant, by its id).
The answer goes to standard output; sources, tokens and times go to standard error, and to HEARTH_LOG_FILE where that is set.
"""

from __future__ import annotations

import argparse
import json
import logging
import logging.handlers
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

ATTEMPTS = 3
# Answers that may be different a moment later.
TRANSIENT = (408, 429, 502, 503, 504)
log = logging.getLogger("ask")


@dataclass(frozen=True)
class Answer:
    text: str
    sources: list[str]
    # prompt_tokens, completion_tokens, total_tokens and, where the server says it, more.
    metrics: dict[str, Any]


def question_for(target: str, name: str, question: str) -> tuple[str, dict[str, Any]]:
    """The path to ask, and what to send there."""
    if target == "anythingllm":
        return f"/api/v1/workspace/{name}/chat", {"message": question, "mode": "chat"}
    path = "/v1/chat/completions" if target == "gateway" else "/api/chat/completions"
    return path, {"model": name, "messages": [{"role": "user", "content": question}]}


def read(target: str, content: dict[str, Any]) -> Answer:
    if target == "anythingllm":
        if content.get("error"):
            raise ValueError(content["error"])
        titles = [source.get("title", "") for source in content.get("sources", [])]
        return Answer(content["textResponse"], titles, content.get("metrics", {}))
    found = content.get("sources") or []
    titles = [source.get("source", {}).get("name", "") for source in found]
    return Answer(content["choices"][0]["message"]["content"], titles, content.get("usage") or {})


def ask(target: str, name: str, question: str) -> Answer:
    """Asks, and asks again after 1 to 10 seconds, or when the server says, where that may help."""
    path, body = question_for(target, name, question)
    request = urllib.request.Request(
        os.environ["HEARTH_URL"].rstrip("/") + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {os.environ['HEARTH_API_KEY']}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=os.environ.get("HEARTH_CA"))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            seconds = float(os.environ.get("HEARTH_TIMEOUT", "900"))
            with urllib.request.urlopen(request, context=context, timeout=seconds) as response:
                return read(target, json.load(response))
        except urllib.error.HTTPError as error:
            words = error.read(2000).decode("utf-8", "replace")
            if error.code not in TRANSIENT or attempt == ATTEMPTS:
                raise ValueError(f"{error.code}: {words}") from error
            wait = float(error.headers.get("Retry-After") or min(10, 2 ** (attempt - 1)))
            log.warning("answered %s, asking again in %.0f s", error.code, wait)
            time.sleep(wait)
    raise AssertionError("unreachable: the last attempt returns or raises")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=["gateway", "anythingllm", "open_webui"])
    parser.add_argument("name", help="served model, workspace's slug, or assistant's id")
    parser.add_argument("question")
    options = parser.parse_args()
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if os.environ.get("HEARTH_LOG_FILE"):
        rotating = logging.handlers.RotatingFileHandler(
            os.environ["HEARTH_LOG_FILE"], maxBytes=5_242_880, backupCount=3
        )
        handlers.append(rotating)
    logging.basicConfig(level=os.environ.get("HEARTH_LOG_LEVEL", "INFO"), format="%(message)s", handlers=handlers)
    begin = time.monotonic()
    try:
        answer = ask(options.target, options.name, options.question)
    except (OSError, ValueError, KeyError) as error:
        log.error("no answer: %s", error)
        return 1
    measures = {**answer.metrics, "duration": round(time.monotonic() - begin, 3)}
    log.info("sources: %s", ", ".join(answer.sources) or "none")
    log.info("metrics: %s", json.dumps(measures))
    print(answer.text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
