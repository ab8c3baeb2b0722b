# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays against Windows PCs that are files, by the stand-ins of the modules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes.windows_modules.collections import THEIRS, make
from fakes.windows_modules.machine import PLACE, Machine, calls, read, write
from integration.conftest import PROJECT, Outcome, Plays, Runner


class Pcs:
    def __init__(
        self, playbook: Runner, directory: Path, machines: Mapping[str, Machine], theirs: Path = THEIRS
    ) -> None:
        self._playbook = playbook
        self._place = directory / "machines"
        self._collections = make(directory / "collections", theirs)
        # Further variables of the environment.
        self.also: dict[str, str] = {}
        for name, machine in machines.items():
            write(self._place, name, machine)

    def __call__(self, plays: Plays | Path, *options: str, succeeds: bool = True, timeout: float = 300) -> Outcome:
        return self._playbook(plays, *options, succeeds=succeeds, variables=self.variables, timeout=timeout)

    @property
    def variables(self) -> dict[str, str]:
        return {
            **self.also,
            "ANSIBLE_COLLECTIONS_PATH": f"{self._collections}:{PROJECT}/.collections",
            "PYTHONPATH": f"{PROJECT}/tests",
            PLACE: str(self._place),
        }

    def machine(self, name: str) -> Machine:
        return read(self._place, name)

    def change(self, name: str, machine: Machine) -> None:
        write(self._place, name, machine)

    def calls(self, name: str) -> list[dict[str, Any]]:
        """What was asked of a PC since it was asked for last."""
        asked = calls(self._place, name)
        (self._place / f"{name}.calls").unlink(missing_ok=True)
        return asked
