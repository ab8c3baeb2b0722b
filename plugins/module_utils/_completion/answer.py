# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a streamed chat completion while it arrives, and measures it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator

from ansible_collections.hearth.llm.plugins.module_utils._hidden import shown
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError

Clock = Callable[[], float]


@dataclass
class Answer:
    """What a model said, and how fast. Times are of the clock that the reader was given."""

    model: str = ""
    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    chunks: int = 0
    asked_at: float = 0.0
    first_at: float | None = None
    last_at: float = 0.0
    usage: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)
    # The length of the vector, where a text was to be embedded.
    dimensions: int | None = None
    # Of each document, in the order in which they were given, where they were to be ranked.
    scores: list[float] = field(default_factory=list)

    def measures(self) -> dict[str, Any]:
        """The numbers, each with where it comes from: the server knows its tokens, we only know its chunks."""
        tokens, counted_by = self.chunks, "chunks"
        for given, name in (
            (self.usage.get("completion_tokens"), "usage"),
            (self.timings.get("predicted_n"), "timings"),
        ):
            if isinstance(given, int):
                tokens, counted_by = given, name
                break
        rate, timed_by = self.timings.get("predicted_per_second"), "server"
        if not isinstance(rate, (int, float)):
            first = self.first_at if self.first_at is not None else self.last_at
            spent, timed_by = self.last_at - first, "clock"
            # The first token's time is the prompt's.
            rate = (tokens - 1) / spent if spent > 0 and tokens > 1 else None
        return {
            "ttft_ms": None if self.first_at is None else round((self.first_at - self.asked_at) * 1000, 1),
            "total_ms": round((self.last_at - self.asked_at) * 1000, 1),
            "tokens": tokens,
            "tokens_counted_by": counted_by,
            "tokens_per_second": None if rate is None else round(rate, 1),
            "rate_measured_by": timed_by,
        }


def read_stream(lines: Iterable[bytes], asked_at: float, clock: Clock) -> Answer:
    """Reads server-sent events to their end. ProbeError where the server reports a failure or stops in the middle."""
    answer = Answer(asked_at=asked_at, last_at=asked_at)
    for event in _events(lines):
        if event == "[DONE]":
            break
        _take(answer, _parsed(event), "delta", clock)
    else:
        if answer.finish_reason is None:
            raise ProbeError(
                "generation",
                f"the answer broke off in the middle, after {answer.chunks} chunks. Look at the server's log.",
                heals=True,
            )
    return answer


def read_whole(body: bytes, asked_at: float, clock: Clock) -> Answer:
    """The answer of a server that does not stream: all at once, so the first token comes with the last."""
    answer = Answer(asked_at=asked_at, last_at=asked_at)
    _take(answer, _parsed(body.decode("utf-8", "replace")), "message", clock)
    return answer


def read_embedding(body: bytes, asked_at: float, clock: Clock) -> Answer:
    """The vector that a text was embedded as. ProbeError where it is none, or one that tells nothing."""
    content = _parsed(body.decode("utf-8", "replace"))
    data = content.get("data")
    vector = data[0].get("embedding") if isinstance(data, list) and data and isinstance(data[0], dict) else None
    if not isinstance(vector, list) or not any(isinstance(value, (int, float)) and value for value in vector):
        raise ProbeError(
            "answer",
            "the answer holds no embedding. Check that this model embeds, and its pooling. One that ranks documents has the task rerank.",
            heals=False,
        )
    answer = _at_once(content, asked_at, clock)
    answer.dimensions = len(vector)
    return answer


def read_ranking(body: bytes, documents: int, asked_at: float, clock: Clock) -> Answer:
    """The score of each document. ProbeError where one has none, or one that is no number."""
    content = _parsed(body.decode("utf-8", "replace"))
    results = content.get("results")
    scores: dict[int, float] = {}
    for result in results if isinstance(results, list) else []:
        index, score = (
            (result.get("index"), result.get("relevance_score")) if isinstance(result, dict) else (None, None)
        )
        if isinstance(index, int) and isinstance(score, (int, float)) and math.isfinite(score):
            scores[index] = float(score)
    if sorted(scores) != list(range(documents)):
        raise ProbeError(
            "answer",
            f"the answer holds {len(scores)} scores for {documents} documents. Check that this model ranks documents.",
            heals=False,
        )
    answer = _at_once(content, asked_at, clock)
    answer.scores = [scores[index] for index in range(documents)]
    return answer


def _at_once(content: dict[str, Any], asked_at: float, clock: Clock) -> Answer:
    """An answer that is no text: all of it comes in one moment."""
    now = clock()
    usage = content["usage"] if isinstance(content.get("usage"), dict) else {}
    return Answer(
        str(content.get("model") or ""),
        asked_at=asked_at,
        first_at=now,
        last_at=now,
        usage={"completion_tokens": 0, **usage},
    )


def error_words(content: Any) -> tuple[str, dict[str, Any]]:
    """The server's own words in an error, and the error as far as it is an object."""
    error = content.get("error", content) if isinstance(content, dict) else content
    if isinstance(error, dict):
        return shown(str(error.get("message") or error.get("detail") or json.dumps(error)))[:500], error
    return shown(str(error))[:500], {}


def _events(lines: Iterable[bytes]) -> Iterator[str]:
    """The data of each event. An event may span lines, comments keep the connection open, and an error may have a field of its own."""
    data: list[str] = []
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        name, _colon, value = line.partition(":")
        if name in ("data", "error"):
            value = value[1:] if value.startswith(" ") else value
            data.append(value if name == "data" else json.dumps({"error": _loads(value)}))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data:
        yield "\n".join(data)


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parsed(text: str) -> dict[str, Any]:
    content = _loads(text)
    if not isinstance(content, dict):
        raise ProbeError(
            "generation",
            f"the answer is not what a chat completion looks like: {shown(text)[:200]!r}. Check url.",
            heals=False,
        )
    if content.get("error"):
        words, error = error_words(content)
        code = error.get("code")
        raise ProbeError(
            "generation",
            f"the server failed while it answered ({words}). Look at its log.",
            heals=not (isinstance(code, int) and 400 <= code < 500),
        )
    return content


def _take(answer: Answer, content: dict[str, Any], part: str, clock: Clock) -> None:
    """Adds what one event brings."""
    answer.model = str(content.get("model") or answer.model)
    for name in ("usage", "timings"):
        if isinstance(content.get(name), dict):
            setattr(answer, name, content[name])
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    answer.finish_reason = choice.get("finish_reason") or answer.finish_reason
    said = choice.get(part)
    if not isinstance(said, dict):
        return
    text, reasoning = said.get("content") or "", said.get("reasoning_content") or said.get("reasoning") or ""
    if text or reasoning:
        answer.last_at = clock()
        answer.first_at = answer.last_at if answer.first_at is None else answer.first_at
        answer.chunks += 1
        answer.text += text
        answer.reasoning += reasoning
