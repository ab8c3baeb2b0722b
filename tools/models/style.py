# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a file is written, so that what is added looks like its neighbours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml
from ansible_collections.hearth.llm.tools.models.nodes import Mapped, entries, in_brackets
from ansible_collections.hearth.llm.tools.models.places import start_of_line


@dataclass(frozen=True)
class Style:
    """How the file is written: what is added looks like its neighbours."""

    newline: str
    indent: str
    step: str
    quote: str = ""
    key_quote: str = ""
    brackets: bool = False
    json: bool = False

    @classmethod
    def of(cls, text: str, found: Mapped) -> Style:
        line = text[start_of_line(text, found.key.start_mark.index) :]
        newline = "\r\n" if re.match(r"[^\r\n]*\r\n", line) else "\n"
        column = found.key.start_mark.column
        step = " " * _step(text)
        style = cls(newline, " " * column + step, step, json=_is_json(text))
        own = entries(found)
        if not own:
            return style
        key, value = own[-1]
        fields = list(value.value) if isinstance(value, yaml.MappingNode) else []
        source = next((field for name, field in fields if name.value == "source"), None)
        if not in_brackets(found.value):
            style = replace(style, indent=" " * own[0][0].start_mark.column)
            if fields and isinstance(value, yaml.MappingNode) and not value.flow_style:
                wide = fields[0][0].start_mark.column - key.start_mark.column
                style = replace(style, step=" " * wide if wide > 0 else step)
        return replace(
            style,
            quote=_quote(source),
            key_quote=_quote(key),
            brackets=bool(fields) and all(in_brackets(one) for _key, one in own),
        )

    def lines(self, name: str, entry: Mapping[str, Any]) -> list[str]:
        head = f"{self.indent}{_scalar(name, self.key_quote)}:"
        if self.brackets:
            return [f"{head} {self._mapping(entry)}"]
        return [
            head,
            *(f"{self.indent}{self.step}{_scalar(key)}: {self._value(value)}" for key, value in entry.items()),
        ]

    def flow(self, name: str, entry: Mapping[str, Any]) -> str:
        if self.json:
            return f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(entry, ensure_ascii=False)}"
        return f"{_scalar(name, self.key_quote)}: {self._mapping(entry)}"

    def _mapping(self, entry: Mapping[str, Any]) -> str:
        fields = (f"{_scalar(key)}: {self._value(value, within=True)}" for key, value in entry.items())
        return f"{{{', '.join(fields)}}}"

    def _value(self, value: Any, *, within: bool = False) -> str:
        if isinstance(value, str):
            return _scalar(value, self.quote, within=within)
        return _dumped(value)


def _quote(node: yaml.Node | None) -> str:
    return str(node.style) if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"') else ""


def _scalar(value: str, quote: str = "", *, within: bool = False) -> str:
    """A text as a neighbour is quoted, where that can hold it, and plain where it means itself."""
    printable = value.isprintable()
    if not quote and _means_itself(value, within):
        return value
    if quote == "'" and printable:
        return "'" + value.replace("'", "''") + "'"
    if quote == '"' and printable:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    dumped = _dumped([value] if within else value)
    return dumped[1:-1] if within else dumped


def _means_itself(value: str, within: bool) -> bool:
    try:
        read = yaml.load(f"[{value}]" if within else f"- {value}", yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    return bool(read == [value])


def _dumped(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1 << 30, sort_keys=False)
    return text.removesuffix("\n").removesuffix("...").removesuffix("\n")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _step(text: str) -> int:
    """How far the first thing of the file that is indented is indented."""
    found = re.search(r"^[^\s#][^\n]*:[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( +)[^\s#-]", text, re.MULTILINE)
    return len(found[1]) if found else 2
