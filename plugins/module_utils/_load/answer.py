# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events of an answer mean, for each way of asking: the row's numbers, or why it is no answer. PRIVATE to the collection."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._completion.answer import error_words
from ansible_collections.hearth.llm.plugins.module_utils._hidden import shown

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._load.plan import Ask
    from ansible_collections.hearth.llm.plugins.module_utils._load.profile import Profile
    from ansible_collections.hearth.llm.plugins.module_utils._load.records import Row

LONGEST_WORDS = 300


class AskError(Exception):
    """Why a request is no answer: one of the kinds of records.py, and words."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, shown(message)[:LONGEST_WORDS]


class ChatAnswer:
    """A streamed chat completion. Its end is [DONE]; the connection's end is not."""

    streams = True

    def __init__(self, row: Row) -> None:
        self._row = row
        self._last = 0.0
        self.finished = False

    @staticmethod
    def question(ask: Ask, profile: Profile) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {
            **profile.body,
            "model": ask.model,
            "messages": [{"role": "user", "content": ask.text}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if profile.max_tokens:
            body["max_tokens"] = profile.max_tokens
        return "/chat/completions", body

    def event(self, name: str, text: str, now: float) -> None:
        if self.finished:
            return
        if name == "error":
            raise _in_answer(_loads(text))
        if text == "[DONE]":
            self.finished = True
            return
        content = _object(text)
        if content.get("error"):
            raise _in_answer(content)
        self._take(content, now)

    def _take(self, content: Mapping[str, Any], now: float) -> None:
        choices = content.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        delta = choice.get("delta")
        if isinstance(delta, dict) and any(delta.get(part) for part in ("content", "reasoning_content", "reasoning")):
            self._piece(now)
        if isinstance(choice.get("finish_reason"), str):
            self._row.finish = choice["finish_reason"]
        _count(self._row, content)

    def _piece(self, now: float) -> None:
        row = self._row
        if row.first is None:
            row.first = now
        else:
            row.gaps.append(now - self._last)
        self._last = now
        row.pieces += 1

    def body(self, data: bytes, _now: float) -> None:
        content = _loads(data.decode("utf-8", "replace"))
        if isinstance(content, dict) and content.get("error"):
            raise _in_answer(content)
        raise AskError(
            "protocol", "a stream was asked for, and the answer is none (its Content-Type is not text/event-stream)."
        )


class WorkspaceAnswer(ChatAnswer):
    """AnythingLLM's: events have a type, and the last one closes. An agent gives its whole text once more, which is no piece."""

    @staticmethod
    def question(ask: Ask, profile: Profile) -> tuple[str, dict[str, Any]]:  # noqa: ARG004
        # Each question is a conversation of its own, so that none has those before it in its prompt.
        body = {"message": ask.text, "mode": "chat", "sessionId": f"hearth-{uuid.uuid4().hex}"}
        return f"/api/v1/workspace/{quote(str(ask.workspace), safe='')}/stream-chat", body

    def event(self, name: str, text: str, now: float) -> None:
        content = _object(text) if name == "data" else _loads(text)
        if name == "error" or content.get("error") or content.get("type") == "abort":
            raise _in_answer(content if isinstance(content, dict) and content.get("error") else "the server gave up")
        kind = content.get("type")
        if content.get("textResponse") and (
            kind == "textResponseChunk" or (kind == "textResponse" and not self._row.pieces)
        ):
            self._piece(now)
        metrics = content.get("metrics")
        if isinstance(metrics, dict):
            # Where its engine told nothing, it says 0 of an answer that has words.
            _count(self._row, {"usage": {name: value for name, value in metrics.items() if value}})
        if content.get("close") is True:
            # What comes behind it says numbers alone.
            self.finished = True
            self._row.finish = self._row.finish or "stop"


class EmbeddingAnswer:
    """A vector, which comes whole: its first piece is its last."""

    streams = False

    def __init__(self, row: Row) -> None:
        self._row = row
        self.finished = False

    @staticmethod
    def question(ask: Ask, profile: Profile) -> tuple[str, dict[str, Any]]:
        return "/embeddings", {**profile.body, "model": ask.model, "input": ask.text}

    def event(self, _name: str, _text: str, _now: float) -> None:
        raise AskError("protocol", "an embedding was asked for, and the answer is a stream.")

    def body(self, data: bytes, now: float) -> None:
        content = _object(data.decode("utf-8", "replace"))
        if content.get("error"):
            raise _in_answer(content)
        items = content.get("data")
        vector = items[0].get("embedding") if isinstance(items, list) and items and isinstance(items[0], dict) else None
        if not isinstance(vector, (list, str)) or not vector:
            raise AskError("protocol", "the answer holds no embedding.")
        self._row.first, self._row.pieces, self.finished = now, 1, True
        _count(self._row, content)


def status_words(status: int, reason: str, body: bytes) -> str:
    """Of an answer that is none, the server's own words as far as they are words."""
    content = _loads(body.decode("utf-8", "replace"))
    words = error_words(content)[0] if isinstance(content, dict) else ""
    return f"{status} {reason}".strip() + (f" ({words})" if words else "")


def _in_answer(content: Any) -> AskError:
    words = error_words(content)[0]
    return AskError("in_answer", f"the server failed while it answered ({words}).")


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _object(text: str) -> dict[str, Any]:
    content = _loads(text)
    if not isinstance(content, dict):
        raise AskError("protocol", f"an event of the answer is no JSON object: {shown(text)[:80]!r}.")
    return content


def _count(row: Row, content: Mapping[str, Any]) -> None:
    """Tokens as the server counts them; a later event says it better."""
    usage, timings = content.get("usage"), content.get("timings")
    if isinstance(usage, dict):
        row.tokens_in = _number(usage.get("prompt_tokens"), row.tokens_in)
        row.tokens_out = _number(usage.get("completion_tokens"), row.tokens_out)
        details = usage.get("prompt_tokens_details")
        if isinstance(details, dict):
            row.tokens_cached = _number(details.get("cached_tokens"), row.tokens_cached)
    if isinstance(timings, dict) and row.tokens_cached is None:
        row.tokens_cached = _number(timings.get("cache_n"), None)


def _number(value: Any, otherwise: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise
