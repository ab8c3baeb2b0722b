# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows, as far as a file says what it is: what modules compare with, and what they leave."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Where the machines are; each has the name of its host in the inventory.
PLACE = "HEARTH_TEST_WINDOWS"


def key(path: str) -> str:
    """How Windows tells paths apart."""
    return path.replace("/", "\\").rstrip("\\").lower()


@dataclass
class Machine:
    """Its sections: what it is (`facts`), and what others may put there."""

    facts: dict[str, Any]
    # What lies where; None is a directory.
    files: dict[str, str | None] = field(default_factory=dict)
    # What modules keep, by the module and by what they tell things apart by.
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Machine:
        """One that is as it says of itself."""
        machine = cls(facts)
        settings, drives = facts["wslconfig"], [f"{drive['letter']}:" for drive in facts["drives"]]
        for directory in (*drives, "C:\\ProgramData", "C:\\Program Files", settings["path"].rpartition("\\")[0]):
            machine.make_directory(directory)
        if settings["exists"]:
            machine.files[key(settings["path"])] = settings["text"]
        return machine

    def make_directory(self, path: str) -> None:
        pieces = key(path).split("\\")
        for number in range(1, len(pieces) + 1):
            self.files.setdefault("\\".join(pieces[:number]), None)

    def settle(self) -> None:
        """What it says of itself of what was put somewhere."""
        if "wslconfig" in self.facts:
            text = self.files.get(key(self.facts["wslconfig"]["path"]))
            self.facts["wslconfig"] |= {"exists": text is not None, "text": text or ""}

    def keep(self, module: str, name: str, wanted: Mapping[str, Any], *, absent: bool = False) -> bool:
        """Bring one thing to its state; whether that was a change. What is not said stays as it is."""
        things = self.kept.setdefault(module, {})
        before = things.get(name)
        if absent:
            things.pop(name, None)
            return before is not None
        things[name] = {**(before or {}), **{option: value for option, value in wanted.items() if value is not None}}
        return before is None or bool(things[name] != before)


def write(place: Path, host: str, machine: Machine) -> None:
    place.mkdir(exist_ok=True)
    (place / f"{host}.json").write_text(json.dumps(machine.__dict__))


def read(place: Path, host: str) -> Machine:
    return Machine(**json.loads((place / f"{host}.json").read_text()))


@contextmanager
def opened(host: str, *, kept: bool) -> Iterator[Machine]:
    """A machine that is kept as it was left, unless this is a dry run."""
    place = Path(os.environ[PLACE])
    with (place / f"{host}.json").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        machine = Machine(**json.load(file))
        yield machine
        machine.settle()
        if kept:
            file.seek(0)
            file.truncate()
            json.dump(machine.__dict__, file)


def note(host: str, **call: Any) -> None:
    with (Path(os.environ[PLACE]) / f"{host}.calls").open("a") as file:
        file.write(json.dumps(call, default=str) + "\n")


def calls(place: Path, host: str) -> list[dict[str, Any]]:
    """What was asked of a machine so far, oldest first."""
    ledger = place / f"{host}.calls"
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
