# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two bills, as a table in words. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Component = Mapping[str, Any]
Row = tuple[str, str, str, str, str]

# Enough to tell them apart by eye; the documents have all of them.
_HASH_DIGITS = 12
_SAID = "hearth:"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Row]:
    """Each what happened, on which host, to what kind of thing, to which, and how."""
    old, new = dict(_all(before)), dict(_all(after))
    rows = []
    for reference in sorted({*old, *new}):
        was, now = old.get(reference), new.get(reference)
        if was is None and now is not None:
            rows.append(("added", *_called(reference), _what(now)))
        elif was is not None and now is None:
            rows.append(("removed", *_called(reference), _what(was)))
        elif was is not None and now is not None:
            how = "; ".join(_changes(was, now))
            rows += [("changed", *_called(reference), how)] if how else []
    return [row for row in rows if not _is_told_with_its_whole(row, old, new)]


def table(rows: list[Row]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    return [
        "  ".join([*(word.ljust(width) for word, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    ]


def _all(read: Mapping[str, Any]) -> Iterator[tuple[str, Component]]:
    for component in read.get("components") or []:
        yield str(component["bom-ref"]), component
        yield from _all(component)


def _called(reference: str) -> tuple[str, str, str]:
    host, kind, name = reference.split("/", 2)
    return host, kind, name


def _is_told_with_its_whole(row: Row, old: Mapping[str, Component], new: Mapping[str, Component]) -> bool:
    """A model that has come brings its files, and an environment its libraries."""
    what, host, kind, name, _how = row
    whole = {"file": "model", "library": "environment"}.get(kind)
    if what == "changed" or not whole:
        return False
    # Names of models and of files may have slashes themselves.
    parts = name.split("/")
    wholes = [f"{host}/{whole}/{'/'.join(parts[:count])}" for count in range(1, len(parts))]
    there = new if what == "added" else old
    other = old if what == "added" else new
    return any(reference in there and reference not in other for reference in wholes)


def _what(component: Component) -> str:
    said = [str(component.get("version") or ""), *(f"sha256 {value}" for value in _hashes(component))]
    return ", ".join(word for word in said if word)


def _changes(was: Component, now: Component) -> Iterator[str]:
    if was.get("version") != now.get("version"):
        yield f"version {was.get('version') or 'unknown'} → {now.get('version') or 'unknown'}"
    if _hashes(was) != _hashes(now):
        yield f"sha256 {' '.join(_hashes(was)) or 'unknown'} → {' '.join(_hashes(now)) or 'unknown'}"
    if _licences(was) != _licences(now):
        yield f"licence {_licences(was) or 'unknown'} → {_licences(now) or 'unknown'}"
    before, after = _said(was), _said(now)
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield f"{key} {before.get(key, 'unknown')} → {after.get(key, 'unknown')}"


def _hashes(component: Component) -> list[str]:
    return [str(entry["content"])[:_HASH_DIGITS] for entry in component.get("hashes") or []]


def _licences(component: Component) -> str:
    told = [entry["license"] for entry in component.get("licenses") or []]
    return ", ".join(str(licence.get("id") or licence.get("name")) for licence in told)


def _said(component: Component) -> dict[str, str]:
    """But for what follows from the version and the hashes."""
    told = {entry["name"]: entry.get("value", "") for entry in component.get("properties") or []}
    return {
        name.removeprefix(_SAID).replace(":", " "): str(value)
        for name, value in told.items()
        if name not in ("hearth:model:commit", "hearth:image:id")
    }
