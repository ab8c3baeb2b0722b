# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which kinds of things much may go in this run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# What both frontends keep.
OF_FRONTENDS = ("documents", "users", "assistants")


def accepted(kinds: str | Iterable[Any]) -> list[str]:
    """As a list, however they were written: an inventory has one, and -e on a command line gives a text with commas."""
    return [str(kind).strip() for kind in (kinds.split(",") if isinstance(kinds, str) else kinds)]


def percent_max(kinds: str | Iterable[Any], otherwise: Any) -> dict[str, int]:
    """The share of each kind that may go: all of it, where that was accepted."""
    named = accepted(kinds)
    return {kind: 100 if kind in named else int(otherwise) for kind in OF_FRONTENDS}
