# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses which model, as the gateways tell it twice a second. After a reload there are two for a while: the old one still has its streams."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Callable, Mapping

# A gateway that has said nothing for so long is gone.
SILENT_SECONDS = 5.0
# So long it may take until one that is there has been heard.
FIRST_SECONDS = 3.0


@dataclass(frozen=True)
class Report:
    at: float
    # Behind it the gateway has counted; what it had counted before may arrive late.
    counted_after: float
    # For each model how many requests are at its engine or in its queue.
    under_way: Mapping[str, int]


class Usage:
    def __init__(self, used: Callable[[str, float], None]) -> None:
        self._used = used
        self._began = time.monotonic()
        self._reports: dict[str, Report] = {}
        self._lock = threading.Lock()

    def report(self, gateway: str, moment: float, lines: Mapping[str, tuple[int, int]]) -> None:
        """For each model its requests under way, and how many milliseconds ago it was asked last; below 0: never."""
        now = time.monotonic()
        with self._lock:
            self._reports[gateway] = Report(now, moment, {name: count for name, (count, _ago) in lines.items()})
            self._reports = {name: one for name, one in self._reports.items() if now - one.at < SILENT_SECONDS}
        for name, (count, ago) in lines.items():
            if count or ago >= 0:
                self._used(name, 0 if count else ago / 1000)

    def is_busy(self, name: str) -> bool:
        with self._lock:
            return any(report.under_way.get(name, 0) > 0 for report in self._heard())

    def is_idle_since(self, name: str, moment: float) -> bool:
        """Whether every gateway has said after that moment that nobody uses the model."""
        with self._lock:
            heard = self._heard()
            if not heard:
                return time.monotonic() - max(moment, self._began) > FIRST_SECONDS
            return all(report.counted_after > moment and not report.under_way.get(name, 0) for report in heard)

    def _heard(self) -> list[Report]:
        now = time.monotonic()
        return [report for report in self._reports.values() if now - report.at < SILENT_SECONDS]
