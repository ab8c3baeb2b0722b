# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark for each model that can be asked: an empty file, at which the gateway looks with each request. Its time is that of the last one."""

from __future__ import annotations

import contextlib
import math
import os
import time


class Present:
    def __init__(self, directory: str) -> None:
        self._directory = directory
        os.makedirs(directory, mode=0o700, exist_ok=True)
        # Also of those that have no mark at the moment.
        self._last = {name: os.stat(self._path(name)).st_mtime for name in os.listdir(directory)}
        self._since: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        return os.path.exists(self._path(name))

    def names(self) -> list[str]:
        return os.listdir(self._directory)

    def add(self, name: str) -> None:
        self._since[name] = time.monotonic()
        self.restore(name)
        self.used(name)

    def restore(self, name: str) -> None:
        """One that was to go, and stays: nobody has asked for it meanwhile."""
        with open(self._path(name), "ab"):
            pass
        at = self._last.setdefault(name, time.time())
        os.utime(self._path(name), (at, at))

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def used(self, name: str, seconds_ago: float = 0) -> None:
        at = time.time() - seconds_ago
        if at > self._last.get(name, 0.0):
            self._last[name] = at
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._path(name), (at, at))

    def seconds_there(self, name: str) -> float:
        """Since it came; of one that was there before we began, as long as it could be."""
        return time.monotonic() - self._since[name] if name in self._since else math.inf

    def last_used(self, name: str) -> float:
        return self._last.get(name, 0.0)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)
