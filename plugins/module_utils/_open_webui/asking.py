# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a question as the page puts it. A session is what tells the page from a program: with it, the server adds tools, or does not search."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, StatusError

if TYPE_CHECKING:
    from typing import Iterable, Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server

_SESSION = "hearth-proof"
# A model is being loaded, or the gateway has no place yet.
_NOT_YET = (429, 502, 503, 504)
_SHOWN = 300


def ask(server: Server, assistant: str, prompt: str, *, sources: bool) -> dict[str, Any]:
    """The answer and the names of its sources; HearthError where there is no answer, or no source where one has to be."""
    deadline = time.monotonic() + server.seconds
    while True:
        try:
            text, found = _read(_events(server, assistant, prompt))
            break
        except StatusError as error:
            if error.status not in _NOT_YET or time.monotonic() >= deadline:
                raise HearthError(f"{assistant} does not answer: {error.message}") from error
        time.sleep(1)
    if not text:
        raise HearthError(
            f"{assistant} has answered nothing. Look at the engine's log, and at how many tokens its answer may have."
        )
    if sources and not found:
        raise HearthError(
            f"{assistant} answers, and no document stands behind it. Check that its knowledge has documents, that who asks may use the knowledge, and "
            "function_calling, which has to be legacy for a search before each answer."
        )
    return {"text": text[:_SHOWN], "sources": found}


def _events(server: Server, assistant: str, prompt: str) -> Iterator[dict[str, Any]]:
    payload = {
        "model": assistant,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "session_id": _SESSION,
    }
    with server.send("POST", "/api/chat/completions", payload=payload, attempts=1) as response:
        if response.content_type != "text/event-stream":
            # One answer at once, as of a model whose stream_response is off, or an error with status 200.
            yield _parsed(response.read(1 << 22))
            return
        for line in response.lines():
            if line.startswith(b"data:") and line.strip() != b"data: [DONE]":
                yield _parsed(line[5:])


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data.decode("utf-8", "replace"))
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _read(events: Iterable[dict[str, Any]]) -> tuple[str, list[str]]:
    text = ""
    sources: set[str] = set()
    for event in events:
        error = event.get("error") or event.get("detail")
        if error:
            raise HearthError(
                f"The server answers with an error: {error.get('message') if isinstance(error, dict) else error}."
            )
        for source in event.get("sources") or []:
            # A source that was found without a piece of text says nothing to the model.
            pieces = zip(source.get("document") or [], source.get("metadata") or [])
            sources.update(str((about or {}).get("name") or "a document") for piece, about in pieces if piece)
        for choice in event.get("choices") or []:
            said = choice.get("delta") or choice.get("message") or {}
            text += said.get("content") or said.get("reasoning_content") or ""
            text += "".join(call.get("function", {}).get("name") or "" for call in said.get("tool_calls") or [])
    return text, sorted(sources)
