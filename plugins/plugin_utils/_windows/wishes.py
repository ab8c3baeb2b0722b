# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wished for a Windows PC and its distribution. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PureWindowsPath


@dataclass(frozen=True)
class Wishes:
    distribution: str
    disk: str = ""
    disk_size_bytes: int = 0
    memory_bytes: int = 0
    processors: int = 0
    network: str = "auto"
    docker: str = "engine"
    restart_allowed: bool = False
    has_password: bool = False
    # Names of distributions that may be moved, or removed with all that is in them.
    move: str = ""
    remove: str = ""
    gpu_policy: str = "auto"
    minimum_driver: str = "580"
    state: str = "present"

    @property
    def directory(self) -> str:
        return str(PureWindowsPath(self.disk) / self.distribution) if self.disk else ""
