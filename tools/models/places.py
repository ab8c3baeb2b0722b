# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places within a text: lines, and where an entry of a mapping ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml
from ansible_collections.hearth.llm.tools.models.nodes import Mapped, Pair

_COMMENT = re.compile(r"[ \t]*#")
_NOTHING = re.compile(r"(?:\s|#[^\n]*\n)*")


def ends(text: str, found: Mapped, pair: Pair, column: int | None = None) -> Iterator[int]:
    """Where an entry ends: behind the comments that are indented as what belongs to it, or at its last word."""
    least = found.key.start_mark.column if column is None else column
    end = last(text, *pair)
    line_end = end_of_line(text, end)
    yield _behind_comments(text, line_end, least)
    yield line_end
    # Blank lines may belong to a text that keeps them (|+).
    blank = past_newline(text, line_end)
    while (gap := blank_line(text, blank)) != blank:
        blank = gap
        yield before_newline(text, blank)


def last(text: str, key: yaml.Node, value: yaml.Node) -> int:
    """Just behind the last character of a value; the parser says of some where the next thing begins."""
    start, end = value.start_mark.index, value.end_mark.index
    if start < key.start_mark.index:
        # What an alias means stands where its anchor is.
        alias = re.compile(r"\s*:?\s*\*[^\s,}\]]+").match(text, key.end_mark.index)
        return alias.end() if alias else key.end_mark.index
    if isinstance(value, (yaml.MappingNode, yaml.SequenceNode)) and not value.flow_style and value.value:
        inner = value.value[-1]
        return last(text, *(inner if isinstance(inner, tuple) else (inner, inner)))
    return start + len(text[start:end].rstrip()) if end > start else max(end, key.end_mark.index)


def behind_comma(text: str, place: int) -> int:
    """Just behind a comma, past blanks and comments; 0 where none follows."""
    nothing = _NOTHING.match(text, place)
    comma = nothing.end() if nothing else place
    return comma + 1 if text[comma : comma + 1] == "," else 0


def _behind_comments(text: str, line_end: int, least: int) -> int:
    """Past the comments in the next lines that are indented further than `least`, blank lines between them included."""
    end, place = line_end, past_newline(text, line_end)
    while place < len(text):
        stop = end_of_line(text, place)
        line = text[place:stop]
        if _COMMENT.match(line) and len(line) - len(line.lstrip()) > least:
            end = stop
        elif line.strip():
            break
        if past_newline(text, stop) == stop:
            break
        place = past_newline(text, stop)
    return end


def with_lines(text: str, place: int, lines: Sequence[str], newline: str) -> str:
    """Lines put in behind the line that ends at the place."""
    return text[:place] + "".join(newline + line for line in lines) + text[place:]


def start_of_line(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def end_of_line(text: str, place: int) -> int:
    found = re.compile(r"\r?\n|\Z").search(text, place)
    return found.start() if found else len(text)


def past_newline(text: str, place: int) -> int:
    found = re.compile(r"\r?\n").match(text, place)
    return found.end() if found else place


def before_newline(text: str, place: int) -> int:
    return place - (2 if text[:place].endswith("\r\n") else 1 if text[:place].endswith("\n") else 0)


def blank_line(text: str, place: int) -> int:
    found = re.compile(r"[ \t]*\r?\n").match(text, place)
    return found.end() if found else place
