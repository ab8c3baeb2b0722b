# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description without what is wrong in it, so that whoever else judges it meets no value that has its finding already."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    ABSENT,
    Kind,
    ListOf,
    MapOf,
    Record,
    Typed,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.models import MODEL
from ansible_collections.hearth.llm.plugins.module_utils._description.variables import VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engine

# What the rest of a model is judged by: without it nobody knows by whose options.
_DECISIVE = ("engine", "task")


def sound(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they were written, and not typed: a role reads them again."""
    kept = {name: _sound(VARIABLES[name].kind, value) for name, value in variables.items() if name in VARIABLES}
    return {name: value for name, value in kept.items() if value is not ABSENT}


def _sound(kind: Kind, value: Any) -> Any:
    read = kind.read(Place("", []), value)
    if read is ABSENT or isinstance(value, str):
        # A text may stand for a list.
        return ABSENT if read is ABSENT else value
    if isinstance(kind, Record) and isinstance(value, Mapping):
        if any(key in read.unsure for key in _DECISIVE):
            return ABSENT
        kept = _kept({name: _sound(kind.keys[name].kind, value[name]) for name in read})
        return _without_own_options(kept) if kind is MODEL else kept
    if isinstance(kind, MapOf):
        return _kept({name: _sound(kind.item, value[name]) for name in read if isinstance(read, Typed)})
    if isinstance(kind, ListOf):
        return [item for item in (_sound(kind.item, one) for one in value) if item is not ABSENT]
    return value


def _without_own_options(model: dict[str, Any]) -> dict[str, Any]:
    serving = engine(model.get("engine", DEFAULT))
    options = {option: value for option, value in model.get("options", {}).items() if not serving.own_option(option)}
    return {**model, **({"options": options} if "options" in model else {})}


def _kept(items: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in items.items() if item is not ABSENT}
