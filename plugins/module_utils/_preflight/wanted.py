# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host is asked for. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Port:
    port: int
    address: str = "0.0.0.0"
    purpose: str = ""
    # The variable that says the port.
    variable: str = ""

    @property
    def endpoint(self) -> str:
        where = f"[{self.address}]" if ":" in self.address else self.address
        return f"{where}:{self.port}"

    @property
    def title(self) -> str:
        return f"{self.endpoint} for the {self.purpose}" if self.purpose else self.endpoint

    @property
    def remedy(self) -> str:
        return f"set {self.variable} to another port" if self.variable else "choose another port"


@dataclass(frozen=True)
class Space:
    path: str
    bytes: int


@dataclass(frozen=True)
class Wanted:
    runtime: str = "docker"
    systems: dict[str, list[str]] = field(default_factory=dict)
    cpu_cores: int = 1
    cpu_flags: dict[str, list[str]] = field(default_factory=dict)
    memory_bytes: int = 0
    disk: tuple[Space, ...] = ()
    ports: tuple[Port, ...] = ()
    # What runs from below this directory, or mounts something of it, is ours.
    directory: str = ""
    controller_time: float | None = None
    clock_skew_seconds: int = 60

    @property
    def docker(self) -> bool:
        return self.runtime == "docker"
