# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`.wslconfig` and `/etc/wsl.conf` with our lines in them, and everybody else's as they were. PRIVATE to the collection.

WSL reads both as sections of `key=value`, where a comment may stand behind what is said, capitals do not matter, and of a key that comes twice the first
counts (microsoft/WSL, src/shared/configfile). A comment above each of our lines says whose it is: it alone is changed or taken away later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MARK = "# hearth.llm:"
# Still read where they were before they had a place of their own (WslCoreConfig.cpp: "the old header is maintained for compatibility").
_FORMERLY = {("wsl2", "networkingmode"): ("experimental", "networkingmode")}
_SECTION = re.compile(r"\s*\[(?P<name>[^\]]+)\]\s*(#.*)?")
_ENTRY = re.compile(r"\s*(?P<key>[^#=\s][^=]*?)\s*=\s*(?P<value>.*?)\s*")
# A comment, unless it is within quotes.
_COMMENT = re.compile(r'("[^"]*")|#.*')
_SIZE = re.compile(r"(?P<number>\d+)\s*(?P<unit>[KMGT]?)B?", re.IGNORECASE)

# (section, key) as WSL's documentation writes them.
Wanted = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Merged:
    text: str
    # Lines of others that say something else than what is wanted, in words; then the text is what it was.
    conflicts: tuple[str, ...] = ()
    # What is written anew, and what goes.
    written: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass
class _Line:
    text: str
    section: str = ""
    key: str = ""
    value: str = ""
    is_ours: bool = False


@dataclass
class _File:
    lines: list[_Line] = field(default_factory=list)
    newline: str = "\n"

    def find(self, section: str, key: str) -> int | None:
        """The line that counts: WSL takes the first, and warns of others."""
        return next(
            (number for number, line in enumerate(self.lines) if (line.section, line.key) == (section, key)), None
        )


def value_of(text: str, section: str, key: str) -> str:
    """What somebody else has written there; empty where nobody has, or where it is our own line."""
    file = _read(text, "\n")
    for place in ((section.lower(), key.lower()), _FORMERLY.get((section.lower(), key.lower()))):
        number = file.find(*place) if place else None
        if number is not None and not file.lines[number].is_ours:
            return file.lines[number].value
    return ""


def merge(text: str, wanted: Wanted, *, newline: str) -> Merged:
    """The text with what is wanted. What we have written before and do not want any more goes."""
    file = _read(text, newline)
    places = {(section.lower(), key.lower()): (section, key, value) for (section, key), value in wanted.items()}
    conflicts = _conflicts(file, places)
    if conflicts:
        return Merged(text, tuple(conflicts))
    gone = [line for line in file.lines if line.is_ours and line.key and (line.section, line.key) not in places]
    file.lines = [line for line in file.lines if line not in gone]
    file.lines = [line for number, line in enumerate(file.lines) if not _is_lonely_mark(file.lines, number)]
    written = []
    for place, (section, key, value) in places.items():
        found = _found(file, place)
        if found is not None and _same(found.value, value):
            continue
        written.append(f"{key}={value}")
        if found is None:
            _insert(file, section, [MARK, written[-1]])
        else:
            found.text = written[-1]
    if not written and not gone:
        return Merged(text)
    file.lines = file.lines if wanted else _without_empty_sections(file.lines)
    merged = "".join(line.text + file.newline for line in file.lines)
    return Merged(merged, (), tuple(written), tuple(line.text.strip() for line in gone))


def _found(file: _File, place: tuple[str, str]) -> _Line | None:
    numbers = [file.find(*each) for each in (place, _FORMERLY.get(place)) if each]
    return next((file.lines[number] for number in numbers if number is not None), None)


def _read(text: str, newline: str) -> _File:
    file = _File(newline="\r\n" if "\r\n" in text else "\n" if "\n" in text else newline)
    section, marked = "", False
    for written in text.lstrip("\ufeff").splitlines():
        header, entry = _SECTION.fullmatch(written), _ENTRY.fullmatch(written)
        line = _Line(written)
        if header:
            section = header["name"].strip().lower()
        elif entry:
            value = _COMMENT.sub(r"\1", entry["value"]).strip().strip('"')
            line.key, line.value, line.is_ours = entry["key"].lower(), value, marked
        elif written.strip() == MARK:
            line.is_ours = True
        line.section = section
        marked = line.is_ours and not line.key
        file.lines.append(line)
    return file


def _conflicts(file: _File, places: Mapping[tuple[str, str], tuple[str, str, str]]) -> list[str]:
    conflicts = []
    for place, (section, key, value) in places.items():
        for other in (place, _FORMERLY.get(place)):
            number = file.find(*other) if other else None
            if number is None or file.lines[number].is_ours or _same(file.lines[number].value, value):
                continue
            conflicts.append(
                f"line {number + 1} is '{file.lines[number].text.strip()}', and [{section}] {key}={value} is needed"
            )
    return conflicts


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower() or (_bytes(one) is not None and _bytes(one) == _bytes(other))


def _bytes(value: str) -> int | None:
    """A size as WSL reads it, by powers of 1024 (ParseMemorySize in src/shared/inc/stringshared.h); a number alone may be anything."""
    found = _SIZE.fullmatch(value)
    return int(found["number"]) * 1024 ** "KMGT".find(found["unit"].upper()) * 1024 if found and found["unit"] else None


def _is_lonely_mark(lines: list[_Line], number: int) -> bool:
    line = lines[number]
    if not line.is_ours or line.key:
        return False
    return number + 1 == len(lines) or not lines[number + 1].is_ours or not lines[number + 1].key


def _insert(file: _File, section: str, texts: list[str]) -> None:
    new = [_Line(text, section.lower(), is_ours=True) for text in texts]
    new[-1].key, new[-1].value = (part.strip() for part in texts[-1].lower().split("=", 1))
    mine = [number for number, line in enumerate(file.lines) if line.section == section.lower() and line.text.strip()]
    if mine:
        file.lines[mine[-1] + 1 : mine[-1] + 1] = new
        return
    while file.lines and not file.lines[-1].text.strip():
        file.lines.pop()
    between = [_Line("")] if file.lines else []
    file.lines += [*between, _Line(f"[{section}]", section.lower()), *new]


def _without_empty_sections(lines: list[_Line]) -> list[_Line]:
    """What we leave behind is not an empty section. One that somebody else has left empty says as little."""
    full = {line.section for line in lines if line.text.strip() and not _SECTION.fullmatch(line.text)}
    kept = [line for line in lines if not line.section or line.section in full]
    while kept and not kept[-1].text.strip():
        kept.pop()
    return kept
