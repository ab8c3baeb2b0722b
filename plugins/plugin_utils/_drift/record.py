# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dry run has found so far, host by host."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# A file may be replaced whole; whoever has to know more runs with --diff.
MOST_LINES = 200
AS_DESCRIBED, DRIFTED, INCOMPLETE, UNREACHABLE = "as described", "drifted", "incomplete", "unreachable"
# Where a run keeps what it has found until it ends, below the directory of its reports.
RUNNING = "running.json"


@dataclass
class Finding:
    """A task that would change something."""

    task: str
    # Of a loop, the one that it is about.
    item: str
    module: str
    difference: str


@dataclass
class HostRecord:
    findings: list[Finding] = field(default_factory=list)
    # What ended the dry run of the host before its time, in words.
    ended_by: str = ""
    is_reached: bool = True

    @property
    def state(self) -> str:
        if not self.is_reached:
            return UNREACHABLE
        if self.ended_by:
            return INCOMPLETE
        return DRIFTED if self.findings else AS_DESCRIBED


@dataclass
class Record:
    directory: Path
    began: str
    hosts: dict[str, HostRecord] = field(default_factory=dict)

    def of(self, host: str) -> HostRecord:
        return self.hosts.setdefault(host, HostRecord())

    def told(self) -> dict[str, Any]:
        return {
            name: {
                "state": host.state,
                "ended_by": host.ended_by,
                "findings": [asdict(finding) for finding in host.findings],
            }
            for name, host in sorted(self.hosts.items())
        }

    def keep(self) -> None:
        (self.directory / RUNNING).write_text(json.dumps(self.told()), encoding="utf-8")


def finding(task: str, module: str, result: Mapping[str, Any]) -> Finding:
    label = result.get("_ansible_item_label", result.get("item", ""))
    return Finding(
        " ".join(task.split()),
        label if isinstance(label, str) else json.dumps(label, default=str),
        module,
        difference(result.get("diff")),
    )


def difference(told: Any) -> str:
    """What a module tells of before and after, as lines."""
    lines = [line for each in (told if isinstance(told, list) else [told]) for line in _lines(each)]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} more lines"]
    return "\n".join(lines)


def _lines(told: Any) -> Iterator[str]:
    if not isinstance(told, Mapping):
        return
    if "prepared" in told:
        yield from str(told["prepared"]).splitlines()
    if "before" in told or "after" in told:
        before, after = _text(told.get("before")), _text(told.get("after"))
        was, would_be = (str(told.get(f"{when}_header") or when) for when in ("before", "after"))
        yield from difflib.unified_diff(before.splitlines(), after.splitlines(), was, would_be, n=1, lineterm="")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, indent=2, sort_keys=True, default=str)
