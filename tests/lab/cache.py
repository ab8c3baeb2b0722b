# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps what is dear to make: outside the repository, safe to delete at any time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.shell import say


def directory(*parts: str) -> Path:
    """A directory of the lab's cache, made when missing; private, for keys are in it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base, "hearth-lab", *parts)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let only one process at a time do what the name says."""
    with directory().joinpath(f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that has {name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
