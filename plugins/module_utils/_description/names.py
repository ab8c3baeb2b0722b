# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that lead to something, and what to say of those that do not."""

from __future__ import annotations

from collections import Counter
from typing import Any, Collection, Iterator, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed, nearest
from ansible_collections.hearth.llm.plugins.module_utils._served_names import known_as


def names_of(described: Typed, variable: str, absent: Collection[str] | None = None) -> Collection[str] | None:
    """The names that others may lead to; nothing where one of them could not be read. `absent`: those of a variable that is not there."""
    value = described.get(variable)
    if value is None:
        return absent if described.lacks(variable) else None
    if isinstance(value, Typed):
        return None if value.unsure else value
    return [user["name"] for user in value] if value and all("name" in user for user in value) else None


def said_twice(variable: str, what: str, names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{variable}: {what} {name} is there {count} times: keep one, or rename the others."


def nearly_alike(names: Any) -> Iterator[Any]:
    """Names that are the same but for their capital letters."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(name.lower(), []).append(name)
    return ((lower, group) for lower, group in groups.items() if len(group) > 1)


def known(names: Collection[str]) -> str:
    return listed(sorted(names)) if names else "none"


def correction(name: str, names: Any) -> str:
    served = known_as(names).get(name) if isinstance(names, Typed) else None
    if served:
        return f"that is an alias of {served}, so write {served}"
    near = nearest(name, list(names))
    return f"write {near}, or describe {name}" if near else "correct the name, or describe it"
