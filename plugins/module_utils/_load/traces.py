# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host once a second: processors, memory, load, and GPUs where a driver tells of them. PRIVATE to the collection.

In a thread of its own, for nvidia-smi may take long, and nobody who is measured waits for it.
"""

from __future__ import annotations

import csv
import os
import threading
from typing import Any, Callable

from ansible_collections.hearth.llm.plugins.module_utils._gpu import programs
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._load.records import TRACES, RawFolder

SECONDS = 1.0
# A driver that takes longer is not asked again: its answers would be those of another moment.
_SMI_SECONDS = 5.0
_FIELDS = ("index", "name", "utilization.gpu", "memory.used", "memory.total", "power.draw", "temperature.gpu")
_MIB = 1 << 20


class Traces:
    def __init__(self, folder: RawFolder, now: Callable[[], float], host: Host | None = None) -> None:
        self._folder, self._now = folder, now
        self._host = host or Host()
        self._name = os.uname().nodename
        self._smi = programs.find(self._host, "nvidia-smi")
        self._before: tuple[int, int] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Traces:
        self._before = self._ticks()
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopped.set()
        # It may be asking a driver; then its last line is not waited for longer than that takes.
        self._thread.join(_SMI_SECONDS + 1)

    def look(self) -> dict[str, Any]:
        """One line, of what has been since the last."""
        memory = self._host.numbers("/proc/meminfo")
        total = memory.get("MemTotal", 0)
        return {
            "at": round(self._now(), 3),
            "host": self._name,
            "cpu": self._cpu(),
            "memory_used": total - memory.get("MemAvailable", memory.get("MemFree", 0)),
            "memory_total": total,
            "load": float((self._host.read("/proc/loadavg").split() or ["0"])[0]),
            "gpus": self._gpus(),
        }

    def _run(self) -> None:
        while not self._stopped.wait(SECONDS):
            told = self.look()
            if self._stopped.is_set():
                return
            self._folder.add(TRACES, told)

    def _cpu(self) -> float | None:
        before, self._before = self._before, self._ticks()
        if before is None or self._before is None or self._before[1] <= before[1]:
            return None
        busy, whole = self._before[0] - before[0], self._before[1] - before[1]
        return round(min(1.0, max(0.0, busy / whole)), 4)

    def _ticks(self) -> tuple[int, int] | None:
        """What all processors have done, and all that they could have; guests are counted in user time already."""
        words = self._host.read("/proc/stat").partition("\n")[0].split()
        if len(words) < 9 or words[0] != "cpu":
            return None
        ticks = [int(word) for word in words[1:9]]
        return sum(ticks) - ticks[3] - ticks[4], sum(ticks)

    def _gpus(self) -> list[dict[str, Any]]:
        if not self._smi:
            return []
        answer = programs.ask(
            [self._smi, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"], _SMI_SECONDS
        )
        if answer.status is None:
            self._smi = ""
        rows = [[cell.strip() for cell in row] for row in csv.reader(answer.output.splitlines())]
        return [_gpu(row) for row in rows if len(row) == len(_FIELDS) and row[0].isdigit()] if answer.succeeded else []


def _gpu(row: list[str]) -> dict[str, Any]:
    """What a card does not tell ([N/A], as virtual ones do) is null."""
    index, name, used, memory, total, power, temperature = row
    share, memory_used, memory_total = _number(used), _number(memory), _number(total)
    return {
        "index": int(index),
        "name": name,
        "used": None if share is None else round(share / 100, 4),
        "memory_used": None if memory_used is None else int(memory_used * _MIB),
        "memory_total": None if memory_total is None else int(memory_total * _MIB),
        "power": _number(power),
        "temperature": _number(temperature),
    }


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
