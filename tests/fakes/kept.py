# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the collection that keeps others running, as a container runs it, and what it says."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

COLLECTIONS = Path(__file__).parents[2] / ".collections"


class Kept:
    """`module` lies below module_utils."""

    def __init__(self, module: str, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"ansible_collections.hearth.llm.plugins.module_utils.{module}", *words],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        )
        self._said: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._said.put(line.strip())

    def until(self, words: str, seconds: float = 30) -> str:
        """The line in which it says this."""
        end = time.monotonic() + seconds
        while words not in (line := self._said.get(timeout=max(0.1, end - time.monotonic()))):
            assert line
        return line
