# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what `llama-server --help` prints."""

from __future__ import annotations

import re
from typing import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import Option, OptionList

# Names, then what the value is called, then two spaces or the end of the line before the description.
_ENTRY = re.compile(r"^(?P<names>--?[^\s,]+(?:,\s+--?[^\s,]+)*)(?:\s(?P<value>\S.*?))?(?:\s{2,}(?P<words>.*))?$")
_VARIABLE = re.compile(r"\(env: (\w+)\)")
_NUMBERS = ("N", "SEED", "PORT", "SECONDS", "SIMILARITY", "INDEX", "P", "L")
_NAMED_CHOICES = ("TYPE", "MODE", "FORMAT")
_BUILD = re.compile(r"\(build (\d+)|version: (\d+) ")


def read_help(text: str, build: str) -> OptionList:
    """What the build knows. Raises ValueError where the text is no help of llama-server's."""
    options = []
    variables = set()
    for entry, words in _entries(text):
        options.append(_option(entry, words))
        variables.update(_VARIABLE.findall(words))
    if len(options) < 20:
        raise ValueError("it lists fewer than 20 options")
    return OptionList("llama_cpp", build, tuple(options), frozenset(variables))


def read_build(text: str) -> str:
    """The number of the build in what `llama-server --version` prints."""
    found = _BUILD.search(text)
    if not found:
        raise ValueError("it names no build")
    return found.group(1) or found.group(2)


def _entries(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each entry, and all words of its description."""
    entry: re.Match[str] | None = None
    words: list[str] = []
    for line in text.splitlines():
        # `-nkvo, --no-kv-offload` is a name where `-----` begins a part.
        found = None if line.startswith("---") else _ENTRY.match(line)
        if found:
            if entry:
                yield entry, "\n".join(words)
            entry, words = found, [found.group("words") or ""]
        elif line.startswith(" "):
            words.append(line.strip())
    if entry:
        yield entry, "\n".join(words)


def _option(entry: re.Match[str], words: str) -> Option:
    written = re.split(r",\s+", entry.group("names"))
    kind, choices = _value((entry.group("value") or "").strip(), words)
    first_negation = _first_negation(written) if kind == "flag" else len(written)
    # The long names first, and each once: `-fit, --fit`.
    names = sorted(written[:first_negation], key=lambda name: not name.startswith("--"))
    removed = " ".join(words.split("(env:")[0].split()) if "argument has been removed" in words else ""
    return Option(_bare(names), kind, _bare(written[first_negation:]), choices, removed=removed)


def _bare(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lstrip("-") for name in names))


def _first_negation(written: list[str]) -> int:
    """Where the names that mean the contrary begin: `--repack, -nr, --no-repack`. `--no-host` stands alone, and means itself."""
    for index, name in enumerate(written):
        if index > 0 and name.startswith("--no-"):
            while index > 1 and re.match(r"-n", written[index - 1]):
                index -= 1
            return index
    return len(written)


def _value(value: str, words: str) -> tuple[str, tuple[str, ...]]:
    """The kind of the value, and the words that it may be."""
    if not value:
        return "flag", ()
    if value[0] in "[{<" and re.fullmatch(r"[\[{<]\w[\w+.-]*([|,]\w[\w+.-]*)+[\]}>]", value):
        return "text", tuple(re.split(r"[|,]", value[1:-1]))
    if value.startswith("<0..."):
        return "int", ()
    if value in _NUMBERS:
        if re.search(r"either an exact\s+number", words):
            return "int", tuple(re.findall(r"'(\w+)'", words))
        return _number(words), ()
    allowed = re.search(r"allowed values: ([\w, ]+)", words)
    if allowed:
        return "text", tuple(re.split(r",\s*", allowed.group(1).strip()))
    if value in _NAMED_CHOICES:
        listed = re.findall(r"^- ([\w+-]+)(?: \(default\))?:", words, re.MULTILINE)
        default = re.search(r"\(default: ([\w+-]+)\)", words)
        return "text", tuple(dict.fromkeys(listed + ([default.group(1)] if listed and default else [])))
    return "text", ()


def _number(words: str) -> str:
    default = re.search(r"default: (-?\d+)([.]\d+)?\b", words)
    return "int" if default and not default.group(2) else "number"
