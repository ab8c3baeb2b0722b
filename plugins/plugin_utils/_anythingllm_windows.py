# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what an assistant is shown fits the window of its model, and how long the pieces of its documents may be: known before anything is done.

AnythingLLM cuts what it found as soon as a prompt and 600 tokens reach the window, to about a tenth of it, and names all sources nevertheless.
It counts pieces in characters, puts a header before each, and has one window, one longest answer and one length of pieces for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._document_kinds import (
    ALPHABETIC,
    DENSE,
    density,
    sample,
)
from ansible_collections.hearth.llm.plugins.module_utils._documents import walk
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

Described = Mapping[str, Any]

# AnythingLLM's own numbers: what it keeps free for an answer, pieces, questions of a chat, and the prompt that it has where none is given.
_ANSWER_LEAST, _TOP_N, _HISTORY, _DEFAULT_PROMPT = 600, 4, 20, 100
# Tokens of the header of a piece, with a title of some length, and of what stands around it in the prompt.
_HEADER, _AROUND = 80, 12
# Longest piece where nothing else is wanted, and the shortest that still says something, characters.
_PIECE, _PIECE_LEAST = 1000, 200
# Of what the window leaves, this share is for pieces; the rest is for what was said before.
_SHARE = 2 / 3
_PER_REQUEST_MAX = 32


@dataclass
class Window:
    """What all assistants share, tokens."""

    context: int
    answer: int
    embedding: int

    @property
    def question(self) -> int:
        return max(64, self.context // 16)

    @property
    def embedded_characters(self) -> int:
        """No text has more tokens than 1.2 a character for any embedder, and a header stands before it."""
        return int((self.embedding - _HEADER) / DENSE)


@dataclass
class Plan:
    chunks: dict[str, dict[str, int]] = field(default_factory=dict)
    histories: dict[str, int] = field(default_factory=dict)
    # Those that have a document at all.
    reads: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judged(
    assistants: Sequence[Described],
    window: Window,
    *,
    request_bytes: int,
    models: Mapping[str, Described],
    embeds: bool,
    accepted: Sequence[str],
) -> dict[str, Any]:
    plan = Plan()
    present = [one for one in assistants if one.get("state", "present") == "present"]
    plan.notes += _notes(present, window, models)
    plan.findings += [
        f"hearth_assistants.{one['name']}: history is 0, which AnythingLLM takes for {_HISTORY}. Give 1 or more."
        for one in present
        if one.get("history") == 0
    ]
    largest = min(_PIECE, window.embedded_characters)
    readers = [one for one in present if one.get("documents")]
    densities = {one["name"]: _density(one, plan, accepted) for one in readers}
    if readers and embeds and largest < _PIECE_LEAST // 2:
        plan.findings.append(
            f"The model that embeds takes {window.embedding} tokens, which is too little for a piece of a document with its header. Give it "
            f"context_tokens: {ceil(_PIECE_LEAST * DENSE) + _HEADER} or more."
        )
        readers = []
    sizes = []
    for one in readers:
        size = _size(one, window, densities[one["name"]], plan)
        if size is not None:
            sizes.append(size)
    default = max(1, min([largest, *sizes]))
    for one in readers:
        plan.chunks.setdefault(one["name"], {"chunk_size": default, "chunk_overlap": default // 10})
        if not one.get("history"):
            plan.histories[one["name"]] = _history(one, window, densities[one["name"]], plan)
    longest = max([default, *(chunk["chunk_size"] for chunk in plan.chunks.values())])
    return {
        "chunk_size": default,
        "chunk_overlap": default // 10,
        "chunk_limit": longest,
        "chunks_per_request": max(1, min(_PER_REQUEST_MAX, request_bytes // 2 // (4 * longest + 1024))),
        "assistants": [_completed(one, plan) for one in assistants],
        "findings": plan.findings,
        "notes": plan.notes,
    }


def _completed(one: Described, plan: Plan) -> dict[str, Any]:
    """The assistant with what its description leaves open."""
    name = one["name"]
    history = {"history": plan.histories[name]} if name in plan.histories else {}
    return {
        "state": "present",
        "mode": "chat",
        **one,
        **history,
        **plan.chunks.get(name, {}),
        "reads": name in plan.reads,
    }


def _notes(assistants: Sequence[Described], window: Window, models: Mapping[str, Described]) -> Iterator[str]:
    for one in assistants:
        if one.get("mode") == "automatic":
            ignored = [
                "the longest answer",
                *(["its temperature"] if one.get("temperature") is not None else []),
                *(["its documents, unless a tool looks into them"] if one.get("documents") else []),
            ]
            yield (
                f"{one['name']} is in mode automatic: an agent with tools answers, which does not heed {', '.join(ignored)}."
            )
    used = {one["model"]: models.get(one["model"], {}).get("context_tokens") for one in assistants}
    longer = sorted(name for name, tokens in used.items() if tokens and int(tokens) > window.context)
    if longer:
        yield (
            f"AnythingLLM has one context length for all models. It is told {window.context} tokens, the least of them, though "
            f"{', '.join(f'{name} has {used[name]}' for name in longer)}."
        )


def _size(one: Described, window: Window, dense: float, plan: Plan) -> int | None:
    """Characters of a piece, where the description leaves them open; what it says is judged."""
    top_n = int(one.get("top_n") or _TOP_N)
    free = _free(one, window)
    if one.get("chunk_tokens"):
        _judge_given(one, window, dense, plan)
        return None
    if one.get("mode") == "automatic":
        return None
    size = int((free * _SHARE // top_n - _HEADER - _AROUND) / dense)
    least = min(_PIECE_LEAST, window.embedded_characters)
    if size >= least:
        return size
    smallest = ceil(least * dense) + _HEADER + _AROUND
    few = int(free * _SHARE // smallest)
    plan.findings.append(
        f"{_does_not_fit(one, window, top_n, smallest)} What would fit: context_tokens: "
        f"{_context_for(one, window, ceil(top_n * smallest / _SHARE))}"
        f"{f', or top_n: {few}' if few >= 1 else ''}, or a shorter system_prompt."
    )
    return None


def _judge_given(one: Described, window: Window, dense: float, plan: Plan) -> None:
    tokens, top_n = int(one["chunk_tokens"]), int(one.get("top_n") or _TOP_N)
    overlap = int(one["chunk_overlap_tokens"]) if one.get("chunk_overlap_tokens") is not None else tokens // 10
    name, free = f"hearth_assistants.{one['name']}", _free(one, window)
    if tokens < 1 or not 0 <= overlap < tokens:
        plan.findings.append(
            f"{name}: pieces of {tokens} tokens that overlap by {overlap} cannot be. Give chunk_overlap_tokens below chunk_tokens."
        )
        return
    size = int(tokens / dense)
    if size > window.embedded_characters:
        plan.findings.append(
            f"{name}: pieces of {tokens} tokens are more than the model that embeds takes in every language, {window.embedding} with a header. What "
            f"would fit: chunk_tokens: {int(window.embedded_characters * dense)}, or an embedder with context_tokens: {ceil(size * DENSE) + _HEADER}."
        )
    piece = tokens + _HEADER + _AROUND
    if one.get("mode") != "automatic" and top_n * piece > free:
        fewer = free // piece
        shorter = min(free // top_n - _HEADER - _AROUND, int(window.embedded_characters * dense))
        plan.findings.append(
            f"{_does_not_fit(one, window, top_n, piece)} What would fit: context_tokens: {_context_for(one, window, top_n * piece)}"
            f"{f', or top_n: {fewer}' if fewer >= 1 else ''}{f', or chunk_tokens: {shorter}' if shorter >= 32 else ''}."
        )
    plan.chunks[one["name"]] = {"chunk_size": max(1, size), "chunk_overlap": int(overlap / dense)}


def _does_not_fit(one: Described, window: Window, top_n: int, piece: int) -> str:
    return (
        f"hearth_assistants.{one['name']}: top_n {top_n} pieces of {piece} tokens (their headers included), a prompt of {_prompt(one)}, a question "
        f"of {window.question} and an answer of {max(_ANSWER_LEAST, window.answer)} do not fit into a context of {window.context} tokens: AnythingLLM "
        "would cut what it found, and say nothing."
    )


def _history(one: Described, window: Window, dense: float, plan: Plan) -> int:
    """Earlier questions with their answers, of middling length, for which the window has room beside the pieces."""
    size = plan.chunks[one["name"]]["chunk_size"]
    left = _free(one, window) - int(one.get("top_n") or _TOP_N) * (size * dense + _HEADER + _AROUND)
    return int(max(1, min(_HISTORY, left // ((window.question + window.answer) / 2))))


def _free(one: Described, window: Window) -> int:
    return window.context - _prompt(one) - window.question - max(_ANSWER_LEAST, window.answer)


def _context_for(one: Described, window: Window, tokens: int) -> int:
    """The window that leaves so many tokens to pieces, a question growing with it; in whole steps of 256."""
    rest = tokens + _prompt(one) + max(_ANSWER_LEAST, window.answer)
    return ceil(max(rest + 64, rest * 16 / 15) / 256) * 256


def _prompt(one: Described) -> int:
    prompt = str(one.get("system_prompt") or "")
    return ceil(len(prompt) * density(prompt)) if prompt else _DEFAULT_PROMPT


def _density(one: Described, plan: Plan, accepted: Sequence[str]) -> float:
    """The densest script of its documents. What cannot be looked into is taken for an alphabet, unless its prompt is denser."""
    found = [density(str(one.get("system_prompt") or ""))]
    src = str(one["documents"])
    if not Path(src).is_absolute():
        plan.reads.add(one["name"])
        return max(ALPHABETIC, *found)
    try:
        files = list(walk(src))
    except InputError as error:
        plan.findings.append(f"hearth_assistants.{one['name']}: documents: {error.message.removeprefix('src: ')}")
        return ALPHABETIC
    if files:
        plan.reads.add(one["name"])
    elif "documents" not in accepted:
        plan.findings.append(
            f"hearth_assistants.{one['name']}: documents: there is no file in {src}, so that it would forget all that it knows. Is it mounted? Put "
            "the files there or leave documents out; where it shall forget them, set hearth_accept_removals: [documents]."
        )
    for _path, place in files:
        try:
            text = sample(Path(place).read_bytes())
        except OSError:
            continue
        found.append(density(text) if text.strip() else ALPHABETIC)
    return max(found)
