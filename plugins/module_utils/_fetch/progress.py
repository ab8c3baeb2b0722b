# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is, in a file that the action plugin (or a person) reads while the module works. It holds names and numbers only."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import write_json

WRITE_SECONDS = 0.5
# The rate is the mean of the last seconds.
RATE_SECONDS = 5.0


class Meter:
    def __init__(self, path: str | None) -> None:
        """Without a path it shows nothing: a dry run writes no file."""
        self._path, self._written = path, 0.0
        self._samples: list[tuple[float, int]] = []
        self._began = time.monotonic()
        self._state: dict[str, Any] = {"pid": os.getpid(), "files": 0, "bytes": 0, "finished": [], "current": None}

    def expect(self, files: int, size: int) -> None:
        self._state.update(files=files, bytes=size)

    def begin(self, what: str, name: str, size: int, done: int) -> None:
        self._samples, self._began, self._done = [], time.monotonic(), done
        self._state["current"] = {
            "what": what,
            "name": name,
            "bytes": size,
            "done": done,
            "from": done,
            "rate": 0.0,
            "note": "",
        }
        self._write()

    def show(self, done: int, note: str = "", connections: int = 1) -> None:
        now, self._done = time.monotonic(), done
        if now - self._written < WRITE_SECONDS:
            return
        self._samples = [sample for sample in self._samples if now - sample[0] <= RATE_SECONDS] + [(now, done)]
        first, last = self._samples[0], self._samples[-1]
        rate = (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else 0.0
        self._state["current"].update(done=done, rate=rate, note=note, connections=connections)
        self._write()

    @property
    def done(self) -> int:
        """Of all that is expected."""
        current = self._state["current"]
        return sum(int(file["bytes"]) for file in self._state["finished"]) + (int(current["done"]) if current else 0)

    @property
    def total(self) -> int:
        return int(self._state["bytes"])

    @property
    def rate(self) -> float:
        """Bytes a second, as far as that is known."""
        current = self._state["current"]
        return float(current["rate"]) if current else 0.0

    def advance(self, count: int) -> None:
        self.show(self._done + count)

    def end(self) -> None:
        current = self._state["current"]
        seconds = time.monotonic() - self._began
        finished = {key: current[key] for key in ("what", "name", "bytes", "from")}
        self._state["finished"].append({**finished, "seconds": round(seconds, 3)})
        self._state["current"] = None
        self._write()

    def close(self) -> None:
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def _write(self) -> None:
        self._written = time.monotonic()
        # Nobody depends on it: a full disk stops the download, not the display.
        if self._path:
            with contextlib.suppress(OSError):
                write_json(self._path, self._state, durable=False)
