# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets a template asks for that are not there yet.

A lookup reads, and makes nothing. Who wants to make what is missing renders the templates while it is noted here, and makes it afterwards. That is said
by the program itself and not by a variable, so that no inventory can set it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Missing:
    """A secret to be made at `path`, below `directory`, of what `new` gives."""

    directory: Path
    path: Path
    new: Callable[[], str]


_NOTED: ContextVar[dict[Path, Missing] | None] = ContextVar("noted", default=None)


@contextlib.contextmanager
def noted() -> Iterator[dict[Path, Missing]]:
    """What is missing in whatever is rendered meanwhile, each once."""
    found: dict[Path, Missing] = {}
    token = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(token)


def note(missing: Missing) -> bool:
    """Whether somebody is going to make it."""
    found = _NOTED.get()
    if found is None:
        return False
    found.setdefault(missing.path, missing)
    return True
