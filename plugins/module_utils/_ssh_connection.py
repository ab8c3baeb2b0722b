# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which SSH connection this very process was started."""

from __future__ import annotations

import os
from typing import Any

_VARIABLE = b"SSH_CONNECTION="


def ssh_connection(pid: int | None = None, proc: str = "/proc") -> dict[str, Any] | None:
    """Asks the environments of this process and of those that it descends from: sudo takes the variable away."""
    current = os.getpid() if pid is None else pid
    while current > 1:
        directory = os.path.join(proc, str(current))
        found = _variable(directory)
        if found:
            client, client_port, server, server_port = found.split()
            return {
                "client_address": client,
                "client_port": int(client_port),
                "server_address": server,
                "server_port": int(server_port),
            }
        current = _parent(directory)
    return None


def _variable(directory: str) -> str:
    for entry in _read(os.path.join(directory, "environ")).split(b"\0"):
        if entry.startswith(_VARIABLE) and entry.count(b" ") == 3:
            return entry[len(_VARIABLE) :].decode("ascii", "replace")
    return ""


def _parent(directory: str) -> int:
    # The name, in brackets, may hold anything, also a bracket.
    fields = _read(os.path.join(directory, "stat")).rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        # A process that has ended, or that is not ours to look at.
        return b""
