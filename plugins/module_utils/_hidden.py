# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets that this process knows, and texts without them. Every error's words go through here. PRIVATE to the collection."""

from __future__ import annotations

import base64
import html
import re
from functools import lru_cache
from typing import Any, Iterable, Iterator, Mapping
from urllib.parse import quote

HIDDEN = "********"
# What is shorter is no secret, and replacing it everywhere would make sentences unreadable.
_SHORTEST = 4
# Of a text that was cut off somewhere, so much is enough to be known again.
_HEAD = 16
_SHORTEST_BASE64 = 8
# At the ends of a text others take these away, or never had them.
_EMPTY = " \t\r\n\0\ufeff"


def hide(*values: Any) -> None:
    """From now on this process shows none of these texts, however it is spelled."""
    for value in values:
        if isinstance(value, str) and len(value.strip(_EMPTY)) >= _SHORTEST and value not in _hidden:
            _hidden[value] = _Hidden(value)
            stripped = value.strip(_EMPTY)
            if stripped != value:
                hide(stripped)


def forget() -> None:
    """As at the start of the process."""
    _hidden.clear()


def shown(text: str) -> str:
    """The text without the secrets that this process knows, spelled out or escaped as JSON, Python, URLs, HTML and base64 do, whole or cut off."""
    spans = sorted(span for secret in _hidden.values() for span in secret.found(text))
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        if start > end or not pieces:
            pieces += [text[end:start], HIDDEN]
        end = max(end, stop)
    return "".join([*pieces, text[end:]])


def all_shown(value: Any) -> Any:
    """The same for every text in a structure."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {key: all_shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [all_shown(item) for item in value]
    return value


def texts_of(value: Any) -> Iterable[str]:
    """Every text in a structure of secrets."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)


class _Hidden:
    """One secret, and how it is found again in what others have made of it."""

    def __init__(self, value: str) -> None:
        self._head = re.compile("".join(_spellings(character).pattern for character in value[:_HEAD]))
        self._rest = value[_HEAD:]
        self._encoded = _base64_forms(value)

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the text begins and ends to say it."""
        for form in self._encoded:
            start = text.find(form[:_HEAD])
            while start >= 0:
                end = start + _length_in_common(form, text[start : start + len(form)])
                yield start, end
                start = text.find(form[:_HEAD], end)
        head = self._head.search(text)
        while head:
            end = head.end()
            for character in self._rest:
                further = _spellings(character).match(text, end)
                if not further:
                    break
                end = further.end()
            yield head.start(), end
            head = self._head.search(text, end)


def _length_in_common(one: str, other: str) -> int:
    return next(
        (length for length, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other))
    )


@lru_cache(maxsize=None)
def _spellings(character: str) -> re.Pattern[str]:
    """A pattern for everything that a server, a shell or a traceback may write for one character."""
    if character.isascii() and character.isalnum():
        return re.compile(character)
    entity = html.escape(character)
    named = re.escape(entity) if entity == character else "&(?:amp;)*" + entity[1:]
    forms = {
        re.escape(character),
        named,
        f"&(?:amp;)*#0*{ord(character)};",
        f"&(?:amp;)*#[xX]0*(?i:{ord(character):x});",
    }
    encoded = character.encode("utf-8", "surrogatepass")
    forms.add("".join(f"%(?:25)*(?i:{byte:02x})" for byte in encoded))
    forms.add("".join(rf"\\+x(?i:{byte:02x})" for byte in encoded))
    units = character.encode("utf-16-be", "surrogatepass")
    forms.add("".join(rf"\\+u(?i:{units[at]:02x}{units[at + 1]:02x})" for at in range(0, len(units), 2)))
    forms.add(rf"\\+U(?i:{ord(character):08x})")
    if ord(character) < 256:
        forms.add(rf"\\+x(?i:{ord(character):02x})")
    if not character.isascii():
        # Read as Latin-1, or not to be read.
        forms.update((re.escape(encoded.decode("latin-1")), r"\?+", "\ufffd+"))
    short = {"\n": "n", "\r": "r", "\t": "t", "\0": "0"}.get(character)
    if short:
        forms.add(rf"\\+{short}")
    if character in "\"'/\\":
        forms.add(r"\\+" + re.escape(character))
    if character.isspace():
        forms.update((r"\+", r"\s+"))
    # Many blanks become one, and a NUL none.
    often = "?" if character.isspace() or character == "\0" else ""
    return re.compile("(?:" + "|".join(sorted(forms, key=len, reverse=True)) + ")" + often)


def _base64_forms(value: str) -> set[str]:
    """As it stands in a longer text, too: what comes before decides where its bytes begin."""
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) < _SHORTEST_BASE64:
        return set()
    forms: set[str] = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode("ascii")
        # Characters that hold bits of a neighbour are not the secret's alone.
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        form = encoded[first:last]
        forms.update((form, form.replace("+", "-").replace("/", "_"), quote(form, safe="")))
    return forms


_hidden: dict[str, _Hidden] = {}
