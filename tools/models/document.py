# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts one entry into a mapping of a YAML text, or takes one out, and leaves every other character as it was.

No library writes YAML back exactly as people write it, so the text is edited at the places that PyYAML's parser gives. What the edit is worth is then
proven: the new text is parsed, and differs from the old one by this entry and nothing else; an edit that cannot be proven is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.tools.models.nodes import (
    NULL,
    Mapped,
    Pair,
    Path,
    emptied,
    entries,
    in_brackets,
    mapped,
    names,
    parsed,
    plain,
    read,
    uses,
    without,
)
from ansible_collections.hearth.llm.tools.models.places import (
    before_newline,
    behind_comma,
    blank_line,
    end_of_line,
    ends,
    last,
    past_newline,
    start_of_line,
    with_lines,
)
from ansible_collections.hearth.llm.tools.models.style import Style


def with_entry(text: str, path: Path, name: str, entry: Mapping[str, Any]) -> str:
    """The text with one entry more in the mapping at the path."""
    root = parsed(text)
    found = _editable(root, path)
    if name in names(found):
        raise InputError(f"{name} stands there already")
    before = plain(root)
    for new in _added(text, found, name, entry):
        after = read(new)
        if after is not None and without(after, path, name) == emptied(before, path) and _has(after, path, name, entry):
            return new
    raise InputError(_unclear(found))


def without_entry(text: str, path: Path, name: str) -> tuple[str, list[int]]:
    """The text without one entry, and the lines of comments above it that have stayed."""
    root = parsed(text)
    found = _editable(root, path)
    own = [pair for pair in entries(found) if pair[0].value == name]
    if not own:
        where = "comes from an anchor, &… and <<" if name in names(found) else "does not stand there"
        raise InputError(f"{name} {where}")
    before = plain(root)
    for new, comments in _removed(text, found, own[0]):
        after = read(new)
        if after is not None and emptied(after, path) == emptied(without(before, path, name), path):
            return new, comments
    anchor = re.search(r"&(\S+)", text[own[0][0].start_mark.index : own[0][1].end_mark.index])
    if anchor and re.search(rf"\*{re.escape(anchor[1])}(?!\S)", text):
        raise InputError(f"its anchor &{anchor[1]} is used elsewhere in the file, which would not be read any more")
    raise InputError(_unclear(found))


def _unclear(found: Mapped) -> str:
    return (
        f"what stands in line {found.line} is written in a way that cannot be changed without changing something else"
    )


def _editable(root: yaml.Node | None, path: Path) -> Mapped:
    found = mapped(root, path)
    if found is None:
        raise InputError(f"{path[-1]} does not stand there")
    if isinstance(found.value, yaml.ScalarNode) and found.value.tag != NULL:
        if found.value.tag == "!vault":
            raise InputError(f"{path[-1]} is encrypted by Ansible Vault")
        if "{{" in found.value.value or "{%" in found.value.value:
            raise InputError(f"{path[-1]} is a template ({' '.join(found.value.value.split())})")
    if not isinstance(found.value, yaml.MappingNode) and found.value.tag != NULL:
        raise InputError(f"{path[-1]} is no mapping of models")
    if isinstance(found.value, yaml.MappingNode) and uses(root, found.value) > 1:
        raise InputError(f"{path[-1]} stands in two places of the file at once, by an anchor (&… and *…)")
    return found


def _has(said: Any, path: Path, name: str, entry: Mapping[str, Any]) -> bool:
    """Whether the entry stands there, with each value as it was meant."""
    for part in (*path, name):
        said = next((value for key, value in said[1] if key[1] == part), None)
    return bool(said == plain(parsed(json.dumps(entry))))


def _added(text: str, found: Mapped, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Ways to write it, the nicest first."""
    own = entries(found)
    flow = in_brackets(found.value)
    style = Style.of(text, found)
    if own and not flow:
        for place in ends(text, found, own[-1]):
            yield with_lines(text, place, style.lines(name, entry), style.newline)
    elif own:
        yield from _added_within_brackets(text, found, own, style, name, entry)
    elif not found.within_flow:
        yield from _added_to_nothing(text, found, style, name, entry)
    if flow and not own:
        closing = found.value.end_mark.index - 1
        line = start_of_line(text, closing)
        alone = not text[line:closing].strip()
        own_line = f"{text[line:closing]}{style.step}{style.flow(name, entry)}{style.newline}"
        yield (
            text[:line] + own_line + text[line:] if alone else text[:closing] + style.flow(name, entry) + text[closing:]
        )
    if not flow and not own and found.within_flow:
        start, end = found.value.start_mark.index, found.value.end_mark.index
        yield f"{text[:start]}{{{style.flow(name, entry)}}}{text[end:]}"


def _added_to_nothing(text: str, found: Mapped, style: Style, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    start, end = found.value.start_mark.index, found.value.end_mark.index
    written = text[start:end]
    braces = re.search(r"\{\s*\}\Z", written)
    kept = start if found.value.tag == NULL else start + braces.start() if braces else -1
    if kept >= 0:
        # An anchor stays, as does a comment behind it.
        head = text[:kept].rstrip(" \t")
        place = end_of_line(head + text[end:], len(head))
        yield with_lines(head + text[end:], place, style.lines(name, entry), style.newline)


def _added_within_brackets(
    text: str,
    found: Mapped,
    own: Sequence[Pair],
    style: Style,
    name: str,
    entry: Mapping[str, Any],
) -> Iterator[str]:
    end = last(text, *own[-1])
    comma = behind_comma(text, end)
    key_line = start_of_line(text, own[-1][0].start_mark.index)
    indent = text[key_line : own[-1][0].start_mark.index]
    if not indent.strip():
        # Each entry has a line of its own.
        behind = comma or end
        line_end = end_of_line(text, behind)
        if line_end < found.value.end_mark.index:
            head = text[:behind] + ("" if comma else ",") + text[behind:line_end]
            line = f"{style.newline}{indent}{style.flow(name, entry)}{',' if comma else ''}"
            yield head + line + text[line_end:]
    yield f"{text[:end]}, {style.flow(name, entry)}{text[end:]}"


def _removed(text: str, found: Mapped, own: Pair) -> Iterator[tuple[str, list[int]]]:
    if in_brackets(found.value):
        yield from ((new, []) for new in _removed_within_brackets(text, own))
        return
    start = start_of_line(text, own[0].start_mark.index)
    if text[start : own[0].start_mark.index].strip():
        return
    comments = _comments_above(text, start, own[0].start_mark.column)
    last = len(entries(found)) == 1
    for end in ends(text, found, own, own[0].start_mark.column):
        after = past_newline(text, end)
        if after == len(text) and after == end:
            # A file without a newline at its end stays one.
            start = before_newline(text, start)
        if not last:
            gap = blank_line(text, after)
            if gap != after and (start == 0 or not text[:start].splitlines()[-1].strip()):
                yield text[:start] + text[gap:], comments
            yield text[:start] + text[after:], comments
            continue
        head = re.compile(r"\s*:(?:[ \t]+[&!][^\s]*)*").match(text, found.key.end_mark.index)
        if head:
            yield f"{text[: head.end()]} {{}}{text[head.end() : start]}{text[after:]}", comments


def _removed_within_brackets(text: str, own: Pair) -> Iterator[str]:
    start, end = own[0].start_mark.index, last(text, *own)
    comma = behind_comma(text, end)
    line = start_of_line(text, start)
    before = re.compile(r",\s*\Z").search(text[:start])
    if comma:
        line_end = end_of_line(text, comma)
        if not text[line:start].strip() and re.match(r"[ \t]*(#|\Z)", text[comma:line_end]):
            yield text[:line] + text[past_newline(text, line_end) :]
        yield text[:start] + text[comma:].lstrip(" \t")
    if before:
        yield text[: before.start()] + text[end:]
    yield text[:start] + text[end:]


def _comments_above(text: str, start: int, column: int) -> list[int]:
    """The lines of comments right above an entry: they may be about it, and nobody but their writer knows."""
    lines = text[:start].splitlines()
    found = []
    for number in range(len(lines), 0, -1):
        if not re.match(rf" {{{column}}}#", lines[number - 1]):
            break
        found.append(number)
    return sorted(found)
