# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and conditions: how the lab runs the one and awaits the other."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


class LabError(Exception):
    """Something that a person has to mend; the message says what and how."""


def run(*argv: str | Path, stdin: bytes | Path = b"", environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed; when it fails, the error ends with its last words."""
    command = [str(word) for word in argv]
    with stdin.open("rb") if isinstance(stdin, Path) else tempfile.TemporaryFile() as stream:
        if isinstance(stdin, bytes):
            stream.write(stdin)
            stream.seek(0)
        try:
            done = subprocess.run(
                command, stdin=stream, capture_output=True, check=False, env={**os.environ, **(environment or {})}
            )
        except FileNotFoundError as error:
            raise LabError(f"{command[0]} is not installed, and the lab needs it") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip()
        last_words = "\n".join(words.splitlines()[-15:])
        raise LabError(f"`{shlex.join(command)[:300]}` ended with {done.returncode}:\n{last_words}")
    return done.stdout.decode(errors="replace")


def tools() -> dict[str, str]:
    """The environment in which the programs beside this Python are found first, and the tests' packages can be imported."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


def say(sentence: str) -> None:
    """Tell the person who waits; standard output belongs to results."""
    print(f"lab: {sentence}", file=sys.stderr, flush=True)


def await_condition(
    what: str, probe: Callable[[], Found | None], *, seconds: float, explain: Callable[[], str] = str
) -> Found:
    """Ask until the probe finds something; on time-out the error carries what `explain` finds."""
    deadline = time.monotonic() + seconds
    while (found := probe()) is None:
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} s in vain for {what}\n{explain()}".rstrip())
        time.sleep(0.1)
    return found
