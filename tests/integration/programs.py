# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisor runs below a directory of hearth, past the roles."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from integration.model_play import until


def stop_all(directory: Path) -> None:
    """Without a play."""
    pid = int((directory / "supervisor/supervisord.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    until(lambda: not Path(f"/proc/{pid}").exists(), "supervisor has ended")


def pids_of(directory: Path, service: str) -> set[int]:
    return pids_that_name(f"{directory}/services/{service}/")


def pids_that_name(mine: str) -> set[int]:
    """Of all processes with that in their command line."""
    found = set()
    for process in Path("/proc").iterdir():
        # Another process may end while it is looked at.
        with contextlib.suppress(OSError):
            if process.name.isdecimal() and mine in (process / "cmdline").read_text().replace("\0", " "):
                found.add(int(process.name))
    return found


def kill_family(pid: int) -> None:
    """A process with all that it has begun, in whichever session: a machine that loses its power ends all at once."""
    parents = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdecimal():
                # pid (name) state parent …, and a name may have any signs.
                parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    for member in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
