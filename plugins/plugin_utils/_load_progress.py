# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a load test is, on the controller's screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._progress import LOG_SECONDS

State = dict[str, Any]


class Line:
    """A terminal: one line, rewritten in place."""

    def __init__(self, write: Callable[[str], None], columns: int) -> None:
        self._write, self._room = write, max(columns - 1, 20)
        self._open = False

    def update(self, state: State) -> None:
        self._draw(words(state), "")
        self._open = True

    def end(self, ended: int | None) -> None:
        if self._open:
            self._draw("stopped" if ended is None else f"{ended} requests have ended", "\n")

    def _draw(self, text: str, end: str) -> None:
        self._write("\r" + text[: self._room].ljust(self._room) + end)


class Lines:
    """Not a terminal: a line now and then, one for each part at least."""

    def __init__(self, write: Callable[[str], None], host: str) -> None:
        self._write, self._host = write, f"{host}: " if host else ""
        self._last, self._part = 0.0, ""

    def update(self, state: State) -> None:
        now = time.monotonic()
        if state["part"] != self._part or now - self._last >= LOG_SECONDS:
            self._part, self._last = state["part"], now
            self._write(f"{self._host}{words(state)}\n")

    def end(self, ended: int | None) -> None:
        if self._part and ended is not None:
            self._write(f"{self._host}{ended} requests have ended\n")


def words(state: State) -> str:
    """users: 34 of 60 requests, 3 on their way, 2 failed (timeout 2), first token after 0.42 s, 0:31 of at most 10:00"""
    failed = ", ".join(f"{kind} {count}" for kind, count in sorted(state["errors"].items()))
    parts = [
        f"{state['part'].replace('_', ' ')}: {state['ended']} of {state['planned']} requests",
        f"{state['running']} on their way",
        *([f"{state['failed']} failed ({failed})"] if state["failed"] else []),
        *([f"first token after {state['first_p50']:.2f} s"] if state["first_p50"] else []),
        f"{_clock(state['seconds'])} of at most {_clock(state['bound'])}",
    ]
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
