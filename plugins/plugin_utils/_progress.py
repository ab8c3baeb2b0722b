# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows, on the controller, the progress file that a module writes on the host."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ansible.plugins.loader import connection_loader
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size

State = dict[str, Any]
Look = Callable[[], str]

LOG_SECONDS = 10.0
_BAR_CELLS = 24
_VERBS = {"fetch": "fetching", "verify": "verifying"}


class Show(Protocol):
    def update(self, state: State) -> None: ...

    def end(self, fetched_bytes: int | None) -> None: ...


class Viewer:
    """Looks once or some times a second, and hands what it sees to `show`."""

    def __init__(self, look: tuple[Look, float] | None, show: Show) -> None:
        self._look: Look | None = look[0] if look else None
        self._seconds = look[1] if look else 0.0
        self._show = show
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._look:
            self._thread = threading.Thread(target=self._watch, args=(self._look,), daemon=True)
            self._thread.start()

    def stop(self, fetched_bytes: int | None) -> None:
        """None where the module has failed."""
        self._stopped.set()
        if self._thread:
            # A connection that hangs is not waited for.
            self._thread.join(2)
            self._show.end(fetched_bytes)

    def _watch(self, look: Look) -> None:
        # Most runs have nothing to fetch, and are over before the first look.
        while not self._stopped.wait(self._seconds):
            with contextlib.suppress(ValueError):
                state = json.loads(look())
                if not self._stopped.is_set():
                    self._show.update(state)


class Bar:
    """A terminal: one line for each file, rewritten in place until the file is there."""

    def __init__(self, write: Callable[[str], None], columns: int) -> None:
        self._write, self._columns = write, columns
        self._began = time.monotonic()
        self._finished = 0
        self._open = False

    def update(self, state: State) -> None:
        for done in state["finished"][self._finished :]:
            self._line(_finished(done), "\n")
        self._finished = len(state["finished"])
        if state["current"]:
            self._line(self._drawn(state["current"]), "")

    def end(self, fetched_bytes: int | None) -> None:
        if self._open:
            # The last file was finished between two looks.
            whole = "stopped" if fetched_bytes is None else f"fetched {as_decimal_size(fetched_bytes)}"
            self._line(f"{whole} in {_clock(time.monotonic() - self._began)}", "\n")

    def _line(self, text: str, end: str) -> None:
        room = max(self._columns - 1, 20)
        self._write("\r" + text[:room].ljust(room) + end)
        self._open = not end

    def _drawn(self, current: State) -> str:
        share = _share(current)
        cells = int(share * _BAR_CELLS)
        return f"{current['name']} [{'#' * cells}{'.' * (_BAR_CELLS - cells)}] {_numbers(current)}"


class Log:
    """Not a terminal: a line at the beginning, one now and then, one at the end."""

    def __init__(self, write: Callable[[str], None], host: str) -> None:
        self._write, self._host = write, f"{host}: " if host else ""
        self._began = self._last = 0.0

    def update(self, state: State) -> None:
        now, current = time.monotonic(), state["current"]
        if not self._began and current:
            self._began = self._last = now
            self._write(
                f"{self._host}fetching {state['files']} files, {as_decimal_size(state['bytes'])}, beginning with {current['name']}\n"
            )
        elif current and now - self._last >= LOG_SECONDS:
            self._last = now
            count = f"file {len(state['finished']) + 1} of {state['files']}"
            self._write(f"{self._host}{_VERBS[current['what']]} {current['name']} ({count}): {_numbers(current)}\n")

    def end(self, fetched_bytes: int | None) -> None:
        if self._began and fetched_bytes is not None:
            seconds = time.monotonic() - self._began
            self._write(f"{self._host}fetched {as_decimal_size(fetched_bytes)} in {seconds:.0f} s\n")


def look_at(connection: Any, play_context: Any, path: str) -> tuple[Look, float] | None:
    """How to read the file, and how many seconds to leave between two looks."""
    if connection.transport == "local":
        return _here(path), 0.5
    # By its full name: what a collection's plugin was loaded by is no name that the loader knows.
    second = connection_loader.get(
        connection.ansible_name,
        play_context,
        task_uuid=f"progress-{os.getpid()}",
        ansible_playbook_pid=str(os.getppid()),
    )
    if second is None:
        return None
    second.set_options(direct=connection.get_options())
    return _there(second, path), 2.0


def _here(path: str) -> Look:
    def look() -> str:
        try:
            return Path(path).read_text("utf-8")
        except OSError:
            return ""

    return look


def _there(connection: Any, path: str) -> Look:
    """Over a connection of our own: the task's is busy, and no connection is made for two threads."""
    command = f"cat {shlex.quote(path)}"
    broken = False

    def look() -> str:
        nonlocal broken
        if broken:
            return ""
        try:
            code, out, _err = connection.exec_command(command, sudoable=False)
            return out.decode("utf-8", "replace") if code == 0 else ""
        except Exception:
            # Whatever kind of connection it is and however it fails: the module's own result says what matters.
            broken = True
            return ""

    return look


def _share(current: State) -> float:
    return current["done"] / current["bytes"] if current["bytes"] else 1.0


def _numbers(current: State) -> str:
    if current["note"]:
        return str(current["note"])
    text = f"{_share(current):4.0%} of {as_decimal_size(current['bytes'])}"
    if current["rate"] > 0:
        left = (current["bytes"] - current["done"]) / current["rate"]
        text += f", {as_decimal_size(int(current['rate']))}/s, {_clock(left)} left"
    return text


def _finished(done: State) -> str:
    new = done["bytes"] - done["from"]
    verb = {"fetch": "fetched", "verify": "verified"}[done["what"]]
    rate = f" ({as_decimal_size(int(new / done['seconds']))}/s)" if done["seconds"] > 0.1 else ""
    return f"{done['name']} {verb}: {as_decimal_size(new)} in {_clock(done['seconds'])}{rate}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
