# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How it stands with a model that somebody has asked for, in words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.room import NoRoomError

# After a failure the next request tries again, but not before this, twice as long after each further one.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 300.0
# More make no longer pause, and in the end no number that Python has.
MOST_DOUBLINGS = 10


@dataclass
class Job:
    """How it stands with one model. `reason` is for whoever has asked for it, `why` for whoever runs the host."""

    # absent, unloaded, waiting, fetching, loading, ready, failed
    state: str = "absent"
    done: int = 0
    total: int = 0
    rate: float = 0.0
    failures: int = 0
    again_at: float = 0.0
    reason: str = ""
    why: str = ""

    @property
    def is_due(self) -> bool:
        """Whether a request begins it."""
        return self.state in ("absent", "ready") or (self.state == "failed" and time.monotonic() >= self.again_at)

    def begin(self) -> None:
        self.state, self.done, self.total, self.rate, self.reason, self.why = "waiting", 0, 0, 0.0, "", ""

    def fail(self, error: Exception) -> None:
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(self.failures, MOST_DOUBLINGS), LONGEST_PAUSE_SECONDS)
        self.failures, self.again_at = self.failures + 1, time.monotonic() + pause
        self.reason, self.state = reason(error), "failed"
        self.why = error.message if isinstance(error, HearthError) else f"{error}"

    def told(self, name: str) -> dict[str, Any]:
        left = (self.total - self.done) / self.rate if self.rate and self.state == "fetching" else None
        return {
            "name": name,
            "state": self.state,
            "done_bytes": self.done,
            "total_bytes": self.total,
            "eta_seconds": None if left is None else round(left),
            "retry_seconds": max(0, round(self.again_at - time.monotonic())) if self.state == "failed" else 0,
            "reason": self.reason,
            "why": self.why,
        }


def reason(error: Exception) -> str:
    """In a few words, for whoever asked for the model: nothing of the host, and no address."""
    details = error.details if isinstance(error, HearthError) else {}
    if isinstance(error, NoRoomError):
        return "the disk budget has no room for it"
    if "expected" in details:
        return "other bytes came than those that were locked"
    if "missing_bytes" in details:
        return "the disk is full"
    if "stage" in details or "status" in details:
        return "its origin cannot be reached, or refuses it"
    return "it could not be fetched, or not be loaded"
