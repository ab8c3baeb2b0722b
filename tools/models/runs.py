# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the hosts, and what is done there: by the playbooks, and by nothing else."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
# Its last task tells what was seen.
LOOK = "playbooks/look_at_models.yml"
TOLD = "Tell what is known of the models"
_COMPLAINT = re.compile(r"^(?:\[ERROR\]|ERROR!|\[ERROR)\S*\s*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Inventory:
    """The inventories, and what the user gives ansible-playbook besides."""

    sources: Sequence[str]
    options: Sequence[str] = ()

    def command(self, *words: str, hosts: Sequence[str] = (), variables: Mapping[str, Any] | None = None) -> list[str]:
        """As a person could type it."""
        return [
            str(PROGRAM),
            *words,
            *(word for source in self.sources for word in ("-i", source)),
            *(["--limit", ",".join(hosts)] if hosts else []),
            *(["-e", json.dumps(variables)] if variables else []),
            *self.options,
        ]


@dataclass(frozen=True)
class Seen:
    """What each host told, or why it told nothing."""

    hosts: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, str] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)

    def demand(self) -> None:
        """Raises where something is wrong with a description, which is the same sentence for all hosts that share it."""
        if self.failed:
            raise HearthError("\n".join(dict.fromkeys(self.failed.values())))


def look(
    inventory: Inventory,
    *,
    hosts: Sequence[str] = (),
    judges: bool = False,
    asks: bool = True,
    plans: bool = False,
    more: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
) -> Seen:
    """Looks at the models by a playbook that changes nothing."""
    variables = {
        "look_at_models_judges": judges,
        "look_at_models_asks": asks,
        "look_at_models_plans": plans,
        "look_at_models_with": more or {},
        "look_at_models_without": list(without),
    }
    return ask(inventory, LOOK, TOLD, variables, hosts=hosts)


def ask(
    inventory: Inventory, playbook: str, task: str, variables: Mapping[str, Any], *, hosts: Sequence[str] = ()
) -> Seen:
    """Runs a playbook that changes nothing, of which this task tells what was seen."""
    told = {
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        # What says that it still works would stand between the lines of JSON.
        "ANSIBLE_CALLBACKS_ENABLED": "hearth.llm.plugins_once",
        "ANSIBLE_NOCOLOR": "1",
    }
    process = subprocess.run(
        inventory.command(playbook, hosts=hosts, variables=variables),
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    seen = _seen(process.stdout, task)
    if not seen.hosts and not seen.failed:
        where = ", ".join(inventory.sources)
        complaint = _complaint(process)
        raise HearthError(f"{where}: {complaint}" if complaint else f"No host of {where} serves models.")
    return seen


def run(command: Sequence[str], *, quiet: bool) -> int:
    """Before the user's eyes; on standard error where the answer on standard output is for a program."""
    print(f"hearth: {words(command)}", file=sys.stderr, flush=True)
    return subprocess.run(command, cwd=ROOT, stdout=sys.stderr if quiet else None, check=False).returncode


def begin(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """A run that goes on when this program has ended."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def words(command: Sequence[str]) -> str:
    program, *rest = command
    return shlex.join([Path(program).name, *rest])


def _seen(output: str, told: str) -> Seen:
    hosts: dict[str, Any] = {}
    failed: dict[str, str] = {}
    unreached: dict[str, str] = {}
    try:
        plays = json.loads(output[max(output.find("{"), 0) :])["plays"]
    except (KeyError, ValueError):
        plays = []
    for task in (task for play in plays for task in play["tasks"]):
        for host, result in task["hosts"].items():
            if task["task"]["name"] == told and not result.get("failed"):
                hosts[host] = result["msg"]
            elif result.get("unreachable"):
                unreached[host] = " ".join(str(result.get("msg", "")).removeprefix("Task failed: ").split())
            elif result.get("failed"):
                failed[host] = str(result.get("msg", "")).strip()
    return Seen(hosts, failed, unreached)


def _complaint(process: subprocess.CompletedProcess[str]) -> str:
    found = _COMPLAINT.findall(process.stderr)
    if found:
        return str(found[0]).strip()
    return process.stderr.strip()[-400:] if process.returncode else ""
