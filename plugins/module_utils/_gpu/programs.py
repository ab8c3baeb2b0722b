# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the host, which may be missing, fail, or hang for good. PRIVATE to the collection."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import DRIVER_DIRECTORY

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# WSL keeps the programs of Windows' driver outside of everybody's path.
DIRECTORIES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", DRIVER_DIRECTORY)


@dataclass(frozen=True)
class Answer:
    """What a program said; a status of None means that it had not ended in time."""

    status: int | None
    output: str

    @property
    def succeeded(self) -> bool:
        return self.status == 0


def find(host: Host, name: str) -> str:
    """Where a program lies on this host, empty if nowhere."""
    candidates = (host.path(f"{directory}/{name}") for directory in DIRECTORIES)
    return next((path for path in candidates if os.access(path, os.X_OK)), "")


def ask(command: list[str], timeout: float) -> Answer:
    # A process that waits for a broken driver cannot be killed, so nobody may wait for its end: not subprocess.run.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        output, _nothing = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        return Answer(None, "")
    return Answer(process.returncode, output)
