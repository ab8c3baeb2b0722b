# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that is to make room gets no further requests, and goes when it has answered those that it has.

Room is made on the disk and in an engine, at the same time. Whoever has a hand on a model holds it, and all others leave it alone.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._fetcher.present import Present
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.usage import Usage

# Whoever waited for a model looks for its mark some times a second: one that has just come is there so long at least.
SHORTEST_STAY_SECONDS = 1.0


class Leaving:
    def __init__(self, present: Present, usage: Usage) -> None:
        self.present, self.usage = present, usage
        self._holders: dict[str, object] = {}
        self._going: set[str] = set()
        self._lock = threading.Lock()

    def hold(self, name: str, holder: object) -> bool:
        """Whether it is the holder's now, or was already."""
        with self._lock:
            return self._holders.setdefault(name, holder) is holder

    def let_go(self, name: str, holder: object) -> None:
        with self._lock:
            if self._holders.get(name) is holder:
                del self._holders[name]

    def first_of(self, names: Sequence[str]) -> list[str]:
        """Those that may make room: who is not asked at the moment before who is, and then who was asked least recently."""
        return sorted(names, key=lambda name: (self.usage.is_busy(name), self.present.last_used(name), name))

    def loaded(self) -> set[str]:
        """Who can be asked, or could be a moment ago and has not ended yet."""
        with self._lock:
            return {*self.present.names(), *self._going}

    def is_going(self, name: str, *, going: bool) -> None:
        with self._lock:
            (self._going.add if going else self._going.discard)(name)


class Drain:
    """Of several models one that goes. What does not go in the end stays as it was."""

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving
        self._name, self._since, self._had_mark = "", 0.0, False

    def __enter__(self) -> Drain:
        return self

    def __exit__(self, *_error: Any) -> None:
        self._stay()

    def ready(self, names: Sequence[str]) -> str:
        """The first of these, in whose order they are to go, that nobody else holds; empty as long as somebody is at its engine."""
        present, usage = self._leaving.present, self._leaving.usage
        # Who answers is not changed for another who does: each would be asked again meanwhile, and none would ever have answered all.
        stays = [self._name] if self._name in names and all(map(usage.is_busy, names)) else []
        victim = next((name for name in (*stays, *names) if self._leaving.hold(name, self)), "")
        if victim != self._name:
            self._stay()
            self._name = victim
        if not victim or present.seconds_there(victim) < SHORTEST_STAY_SECONDS:
            return ""
        if not self._since:
            self._had_mark, self._since = victim in present, time.monotonic()
            self._leaving.is_going(victim, going=self._had_mark)
            # Whoever asks for it from now on waits until it is known whether it stays.
            present.remove(victim)
        return victim if usage.is_idle_since(victim, self._since) else ""

    def gone(self) -> None:
        self._let_go()

    def _stay(self) -> None:
        if self._name and self._had_mark:
            self._leaving.present.restore(self._name)
        self._let_go()

    def _let_go(self) -> None:
        name, self._name, self._since, self._had_mark = self._name, "", 0.0, False
        self._leaving.is_going(name, going=False)
        self._leaving.let_go(name, self)
