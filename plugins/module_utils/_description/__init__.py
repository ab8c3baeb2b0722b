# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one description of what should exist: every variable, every key, every default, and all that can be wrong with them.

`findings` says all that is wrong, `read` gives what was described, typed. Nothing here touches a host; what has to be known of the controller is handed in as
`Surroundings`.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    ABSENT,
    UNREAD,
    Typed,
    instead_of_unknown,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.relations import (
    Surroundings,
    contradictions,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.variables import PREFIX, VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._description.words import nearest, nearest_free

__all__ = ["PREFIX", "UNREAD", "VARIABLES", "Surroundings", "findings", "read", "slips"]


_FOREIGN = f"what begins with {PREFIX} is this collection's, so rename it if it is yours, or take it away"


def findings(variables: Mapping[str, Any], around: Surroundings, *, values_only: bool = False) -> list[str]:
    """All that is wrong. UNREAD stands where a value could not be had."""
    described, found = _read(variables)
    if around.serves and described.lacks("hearth_models"):
        found.append(
            "hearth_models is not described, so that there is nothing to serve: describe a model, such as "
            "hearth_models: {hearth-mini: {source: hf://owner/repository/file.gguf}}."
        )
    if not values_only:
        found.extend(contradictions(described, around))
    return found


def read(variables: Mapping[str, Any]) -> Typed:
    """What is described, typed. What is wrong is left away: `findings` has said it before."""
    return _read(variables)[0]


def _read(variables: Mapping[str, Any]) -> tuple[Typed, list[str]]:
    found: list[str] = []
    described: dict[str, Any] = {}
    meant = set()
    for name, value in variables.items():
        if name in VARIABLES:
            value = VARIABLES[name].kind.read(Place(name, found), value)
            if value is not ABSENT:
                described[name] = value
        else:
            near = nearest_free(name, VARIABLES, variables)
            meant.add(near)
            remedy = instead_of_unknown(near, variables, VARIABLES) if near else _FOREIGN
            Place(name, found).find("is no variable that is known here", remedy)
    return Typed(described, {*variables, *meant} - set(described)), found


def slips(names: Collection[str]) -> list[str]:
    """Variables that are spelled almost like one of ours, but for the beginning: nobody reads them."""
    near = {name: nearest(name, VARIABLES, cutoff=0.92) for name in names if not name.startswith(PREFIX)}
    return [f"{name} is read by nothing: write {meant}, or rename it." for name, meant in near.items() if meant]
