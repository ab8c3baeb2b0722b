# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stage of a way in: something on this host that carries the connection. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Door:
    """A port that has to be open for a new flow, and from where that comes today."""

    protocol: str
    port: int
    source: str = ""


@dataclass(frozen=True)
class Stage:
    # The interface, the program or the container.
    name: str
    kind: str
    doors: tuple[Door, ...] = ()
    # The host itself makes and keeps this from inside: nothing has to be open.
    outgoing: bool = False
    # Why nobody can say what has to be open.
    unknown: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "doors": [asdict(door) for door in self.doors]}
