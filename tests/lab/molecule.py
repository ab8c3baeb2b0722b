# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule, but stricter: nothing that Ansible warns of passes, nor a dry run that still announces changes at the end."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.cache import locked
from lab.shell import tools

PROJECT = Path(__file__).parents[2]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WARNING = re.compile(r"\[(WARNING|DEPRECATION WARNING)\]")
STEP = re.compile(r"➜ (\w+): Executing")
CHANGED = re.compile(r"^\S+\s*: ok=\d+\s+changed=[1-9]")


def run(scenario: str, action: str) -> int:
    """Run an action of Molecule's on a scenario, show its output as it comes, and repeat at the end what was wrong.

    One at a time: a second run of the same scenario would begin by destroying the hosts of the first.
    """
    command = [sys.executable, "-m", "molecule", action, "--scenario-name", scenario, "--no-command-borders"]
    with (
        locked(f"scenario-{scenario}"),
        subprocess.Popen(
            command, cwd=PROJECT, env=tools(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ) as process,
    ):
        faults = list(find_faults(_shown(process.stdout or ())))
    if faults:
        print(f"\nlab: Molecule would let this pass, the lab does not ({len(faults)}):", *faults, sep="\n  ")
    return process.returncode or bool(faults)


def find_faults(lines: Iterable[str]) -> Iterator[str]:
    """Read Molecule's output for what must not be in it."""
    step, converged = "", False
    for line in lines:
        text = COLOUR.sub("", line).strip()
        if found := STEP.search(text):
            step = found[1]
            converged |= step == "idempotence"
        elif WARNING.search(text):
            yield f"{step}: {text}"
        elif converged and step == "check" and CHANGED.match(text):
            yield f"a dry run after all was done announces changes: {text}"


def _shown(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        print(line, end="", flush=True)
        yield line
