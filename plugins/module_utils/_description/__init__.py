# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one description of what should exist: every variable, every key, every default, and all that can be wrong with them.

`findings` says all that is wrong, `read` gives what was described, typed. Nothing here touches a host; what has to be known of the controller is handed in as
`Surroundings`.
"""

from __future__ import annotations

import re
from typing import Any, Collection, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    ABSENT,
    UNREAD,
    Typed,
    instead_of_unknown,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.relations import contradictions
from ansible_collections.hearth.llm.plugins.module_utils._description.sound import sound
from ansible_collections.hearth.llm.plugins.module_utils._description.surroundings import Surroundings
from ansible_collections.hearth.llm.plugins.module_utils._description.typed import (
    ApiKey,
    Assistant,
    Model,
    Tls,
    User,
    api_keys,
    assistants,
    models,
    tls,
    users,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.variables import PREFIX, VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._description.words import alike, nearest, nearest_free

__all__ = [
    "PREFIX",
    "UNREAD",
    "VARIABLES",
    "ApiKey",
    "Assistant",
    "Model",
    "Surroundings",
    "Tls",
    "User",
    "api_keys",
    "assistants",
    "findings",
    "in_order",
    "models",
    "read",
    "sound",
    "tls",
    "users",
    "wrong_in",
]


_FOREIGN = f"what begins with {PREFIX} is this collection's, so rename it if it is yours, or take it away"


_ALMOST = 0.92
_FIRST = re.compile(r"\A[a-z_]+")
_VARIABLE = re.compile(rf"\b{PREFIX}[a-z_]+")


def findings(
    variables: Mapping[str, Any], around: Surroundings, others: Collection[str] = (), *, values_only: bool = False
) -> list[str]:
    """All that is wrong. UNREAD stands where a value could not be had; `others` are the names of all other variables."""
    found: list[str] = []
    slips = _slips(others, found)
    described = _read(variables, slips, found)
    if around.serves and described.lacks("hearth_models"):
        found.append(
            "hearth_models is not described, so that there is nothing to serve: describe a model, such as "
            "hearth_models: {hearth-mini: {source: hf://owner/repository/file.gguf}}."
        )
    if not values_only:
        found.extend(contradictions(described, around))
    return found


def wrong_in(findings: Collection[str], variables: Mapping[str, Any]) -> set[str]:
    """The variables that have a finding, or were meant by one that has."""
    return {
        *read(variables).unsure,
        *(name for finding in findings for name in (*_FIRST.findall(finding), *_VARIABLE.findall(finding)[:1])),
    }


def in_order(findings: Collection[str]) -> list[str]:
    """Each once, in the order of the variables; what is said of no variable of the description stands behind."""
    order = {name: number for number, name in enumerate(VARIABLES)}

    def place(finding: str) -> int:
        found = _VARIABLE.match(finding)
        return order.get(found[0] if found else "", len(order))

    return sorted(dict.fromkeys(findings), key=place)


def read(variables: Mapping[str, Any]) -> Typed:
    """What is described, typed. What is wrong is left away: `findings` has said it before."""
    return _read(variables, (), [])


def _read(variables: Mapping[str, Any], slips: Collection[str], found: list[str]) -> Typed:
    described: dict[str, Any] = {}
    meant = set(slips)
    for name, value in variables.items():
        if name in VARIABLES:
            value = VARIABLES[name].kind.read(Place(name, found), value)
            if value is not ABSENT:
                described[name] = value
        else:
            near = _near(name, variables)
            meant.add(near)
            remedy = instead_of_unknown(near, variables, VARIABLES) if near else _FOREIGN
            Place(name, found).find("is no variable that is known here", remedy)
    return Typed(described, {*variables, *meant} - set(described))


def _near(name: str, there: Collection[str]) -> str:
    """The variable that was meant. That all of them begin alike makes none of them near."""
    near = nearest_free(name, VARIABLES, there)
    return near if alike(name.lower().removeprefix(PREFIX), near.removeprefix(PREFIX)) else ""


def _slips(names: Collection[str], found: list[str]) -> set[str]:
    """Variables that are spelled almost like one of ours, but for the beginning, so that nobody reads them."""
    if PREFIX.rstrip("_") in names:
        found.append(
            "hearth is read by nothing: write each of its keys as a variable of its own, such as hearth_models."
        )
    near = {name: nearest(name, VARIABLES, cutoff=_ALMOST) for name in names if not name.startswith(PREFIX)}
    meant = {name: ours for name, ours in near.items() if ours}
    found.extend(f"{name} is read by nothing: write {ours}, or rename it." for name, ours in meant.items())
    return set(meant.values())
