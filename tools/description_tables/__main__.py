# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tables of docs/description.md from the description's own kinds, defaults and meanings.

python -m tools.description_tables
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/description.md"
BEGIN, END = "<!-- tables: python -m tools.description_tables -->\n", "<!-- end of the tables -->\n"
if str(ROOT / ".collections") not in sys.path:
    sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.hearth.llm.plugins.module_utils._description import VARIABLES  # noqa: E402
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (  # noqa: E402
    Key,
    Kind,
    ListOf,
    MapOf,
    Record,
)


def page(text: str) -> str:
    """The page with its tables as they should be."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def tables() -> str:
    simple = [key for key in VARIABLES.values() if _record(key.kind) is None]
    parts = ["\n## All variables\n", _table("variable", VARIABLES.values())]
    for key in VARIABLES.values():
        if key not in simple:
            parts += list(_sections(key.name, key))
    return "\n".join([*parts, ""])


def _sections(title: str, key: Key) -> Iterator[str]:
    record = _record(key.kind)
    if record is None:
        return
    yield f"\n## {title}\n"
    yield _table("key", record.keys.values())
    for inner in record.keys.values():
        yield from _sections(f"{title}: {inner.name}", inner)


def _record(kind: Kind) -> Record | None:
    while isinstance(kind, (ListOf, MapOf)):
        kind = kind.item
    return kind if isinstance(kind, Record) else None


def _table(what: str, keys: object) -> str:
    rows = [f"| {what} | is | without it | means |", "| --- | --- | --- | --- |"]
    for key in keys:  # type: ignore[attr-defined]
        without = "**has to be there**" if key.required else key.default or "nothing"
        rows.append(f"| `{key.name}` | {_words(key.kind)} | {_escaped(without)} | {_escaped(key.means)} |")
    return "\n".join(rows)


def _words(kind: Kind) -> str:
    words = kind.words
    if isinstance(kind, ListOf) and not isinstance(kind.item, (Record, ListOf)) and words == "a list":
        words = f"a list, each {kind.item.words}"
    return _escaped(words)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("{{", "`{{").replace("}}", "}}`")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
