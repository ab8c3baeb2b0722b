# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of what `./hearth test` runs, and what is known of it once it ran."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from lab.molecule import COLOUR, STEP
from lab.shell import tools

from suite.pytest_notes import NOTES

ROOT = Path(__file__).resolve().parents[2]
# What pytest ends with where tests failed, and nothing kept it from running all of them.
TESTS_FAILED = 1
# Where tests of more files than these have failed, it is not by chance.
SECOND_CHANCES = 3


@dataclass(frozen=True)
class Part:
    name: str
    promise: str
    command: Sequence[str]
    # What runs files of its tests that are named behind it, one after the other. Tests that failed get a second chance by it.
    by_name: Sequence[str] = ()


@dataclass(frozen=True)
class Failure:
    """What a person reads first: which test, where, and what it said."""

    what: str
    lines: Sequence[str]


@dataclass
class Result:
    part: Part
    passed: bool
    seconds: float
    # What took how long within it.
    costs: list[tuple[float, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    # Those of tests that passed when they ran once more by themselves.
    unsteady: list[Failure] = field(default_factory=list)


def run(part: Part, directory: Path, show: Callable[[str], object]) -> Result:
    """Run a part, and keep and show what it prints, line by line."""
    notes, log = directory / f"{part.name}.jsonl", directory / f"{part.name}.log"
    begin = time.monotonic()
    steps: list[tuple[float, str]] = []
    lines: list[str] = []
    with log.open("w", encoding="utf-8") as kept:

        def hear(line: str) -> None:
            kept.write(line)
            kept.flush()
            show(line)
            lines.append(COLOUR.sub("", line).rstrip())
            # Molecule announces each of its steps.
            if step := STEP.search(lines[-1]):
                steps.append((time.monotonic(), step[1]))

        status = _start(part.command, notes, hear)
        end = time.monotonic()
        result = Result(part, status == 0, 0)
        result.costs = [(after - start, step) for (start, step), (after, _) in pairwise([*steps, (end, "")])]
        told = _read(notes, result)
        if part.by_name and status == TESTS_FAILED:
            _run_again(result, told, directory / f"{part.name}.again.jsonl", hear)
    result.seconds = time.monotonic() - begin
    if not result.passed and not result.failures:
        result.failures = [Failure(f"ended with status {status}", last_words(lines))]
    return result


def _run_again(result: Result, told: Sequence[dict[str, Any]], notes: Path, hear: Callable[[str], object]) -> None:
    """Tests that failed run once more, away from those of other files that ran beside and before them. Who passes then is unsteady, and fails nothing.

    Their whole files do: what stands in one may build on what stands before it.
    """
    files = list(dict.fromkeys(failure.what.partition("::")[0] for failure in result.failures))
    if not 0 < len(files) <= SECOND_CHANCES or any(note["when"] == "collection" for note in told):
        return
    hear(f"\n=== {result.part.name}: where tests failed, all run once more, by themselves: {', '.join(files)}\n")
    status = _start([*result.part.by_name, *files], notes, hear)
    second = Result(result.part, status == 0, 0)
    passed = {note["test"] for note in _read(notes, second) if (note["when"], note["outcome"]) == ("call", "passed")}
    steady = passed - {failure.what for failure in second.failures}
    result.costs += second.costs
    result.unsteady = [failure for failure in result.failures if failure.what in steady]
    failed = [failure for failure in result.failures if failure.what not in steady]
    result.failures = [
        *failed,
        *(failure for failure in second.failures if failure.what not in {one.what for one in failed}),
    ]
    result.passed = second.passed and not result.failures


def _start(command: Sequence[str], notes: Path, hear: Callable[[str], object]) -> int:
    """Run a program, and hand on what it prints, line by line."""
    notes.unlink(missing_ok=True)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=_environment(notes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            hear(line)
    return process.returncode


def last_words(lines: Sequence[str]) -> list[str]:
    """Of what Ansible and the lab say: the task that failed last, and what Molecule would have let pass; else the end."""
    found: list[str] = []
    fatal = [number for number, line in enumerate(lines) if line.startswith("fatal: [")]
    if fatal:
        tasks = [number for number in range(fatal[-1]) if lines[number].startswith("TASK [")]
        end = next((n for n in range(fatal[-1], len(lines)) if not lines[n]), len(lines))
        found += [*(lines[tasks[-1] : tasks[-1] + 1] if tasks else ()), *lines[fatal[-1] : end][:12]]
    faults = [number for number, line in enumerate(lines) if line.startswith("lab: ")]
    if faults:
        found += lines[faults[-1] :][:8]
    return found or [line for line in lines if line][-10:]


def _environment(notes: Path) -> dict[str, str]:
    colour = {"FORCE_COLOR": "1", "PY_COLORS": "1"} if sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
    return {
        **colour,
        **tools(),
        "PYTHONUNBUFFERED": "1",
        # Also where Molecule runs pytest.
        "PYTEST_ADDOPTS": f"{os.environ.get('PYTEST_ADDOPTS', '')} -p suite.pytest_notes".strip(),
        NOTES: str(notes),
    }


def _read(notes: Path, result: Result) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    for note in told:
        # What several tests share counts as the preparation of the first of them.
        result.costs.append((note["seconds"], note["test"] + ("" if note["when"] == "call" else f" ({note['when']})")))
        if "message" in note:
            places = [place.removeprefix(f"{ROOT}/") for place in note["places"]]
            way = [" → ".join([*places[:1], *places[1:][-1:]])] if places else []
            result.failures.append(Failure(note["test"], [*way, *_gist(note["message"], told_first=bool(places))]))
    return told


def _gist(message: str, *, told_first: bool) -> list[str]:
    # Pytest indents what an assertion says after its first line.
    lines = [line.removeprefix("  ") for line in message.splitlines()]
    if any(line.startswith("fatal: [") for line in lines):
        return last_words(lines)
    lines = [line for line in lines if line.strip()]
    return lines[:6] if told_first else lines[-6:]
