# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule, under which nothing that Ansible warns of passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[2]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WARNING = re.compile(r"\[(WARNING|DEPRECATION WARNING)\]")


def run(arguments: Sequence[str]) -> int:
    """Run Molecule from the project's root and repeat, at the end, every warning that was in its output."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT / "tests"),
    }
    warnings = []
    command = [sys.executable, "-m", "molecule", *arguments]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if WARNING.search(COLOUR.sub("", line)):
                warnings.append(line)
    if warnings:
        print(f"\nlab: Ansible warned {len(warnings)} times, and may not warn at all:", *warnings, sep="\n")
    return process.returncode or bool(warnings)
