# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of the runtime `process`, real: installed once for each lock and kept between sessions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration import locked
from lab import packages

ROLE_FILES = Path(__file__).resolve().parents[2] / "roles/llama_cpp/files"
LOCK = ROLE_FILES / "xllamacpp.txt"
PROGRAM = ROLE_FILES / "serve_model.py"


def python() -> Path:
    """A Python that has the engine as the role pins it."""
    packages.provide("libgomp.so.1")
    return locked.python(LOCK)


@contextmanager
def serving(
    directory: Path, name: str, options: dict[str, Any], *flags: str, after: str = "exec"
) -> Iterator[subprocess.Popen[str]]:
    """serve_model.py with these options, as a process that is ended when the context ends. It need not be up yet.

    `after` is what a shell does before, and ends with `exec`.
    """
    configuration = directory / f"{name}.json"
    configuration.write_text(json.dumps(options))
    with (directory / f"{name}.log").open("w") as log:
        command = ["sh", "-c", f'{after} "$@"', "sh", str(python()), str(PROGRAM), *flags, str(configuration)]
        process = subprocess.Popen(command, stdout=log, stderr=log, text=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)
