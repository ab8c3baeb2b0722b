# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs parts side by side: most of them wait more than they work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from suite.part import Part, Result, run

LANES = 2
_printing = threading.Lock()


def run_all(parts: Sequence[Part], directory: Path, lanes: int = LANES) -> list[Result]:
    """Each lane takes the next part that nobody has begun. What a part prints is shown in one piece when it ended."""
    directory.mkdir(parents=True, exist_ok=True)
    alone = lanes == 1 or len(parts) == 1
    show = _show_line if alone else _keep

    def one(part: Part) -> Result:
        _tell(f"\n=== {part.name}: {part.promise}{'' if alone else f' (runs; {directory / part.name}.log)'}\n")
        result = run(part, directory, show)
        if not alone:
            word = "passed" if result.passed else "FAILED"
            text = (directory / f"{part.name}.log").read_text(encoding="utf-8")
            _tell(f"\n=== {part.name}: {word} in {result.seconds:.1f} s\n\n{text}")
        return result

    work: Callable[[Part], Result] = one
    with ThreadPoolExecutor(1 if alone else lanes) as pool:
        return list(pool.map(work, parts))


def _show_line(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def _keep(_line: str) -> None:
    """It is in the part's log."""


def _tell(text: str) -> None:
    with _printing:
        print(text, flush=True)
