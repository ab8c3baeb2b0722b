# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks served models until each has answered, or cannot any more, or time is up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._completion.answer import Answer, Clock
from ansible_collections.hearth.llm.plugins.module_utils._completion.ask import Question, ask
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError


@dataclass(frozen=True)
class Patience:
    """Seconds: for everything, between two tries, without a sign of life in one try, for failures that waiting cannot heal."""

    timeout: float
    interval: float
    request_timeout: float
    grace: float = 0.0


@dataclass
class Outcome:
    """What became of one question."""

    question: Question
    attempts: int = 0
    waited_seconds: float = 0.0
    answer: Answer | None = None
    failure: ProbeError | None = None
    done: bool = False


@dataclass
class Prober:
    """Asks with patience. The clock and the pause are parameters so that tests need not wait."""

    patience: Patience
    clock: Clock = time.monotonic
    pause: Callable[[float], None] = field(default=time.sleep)

    def ask_all(self, questions: Sequence[Question], *, once: bool = False) -> list[Outcome]:
        """Asks all in turn, round by round: all findings come out at once, and no model waits for another one's time."""
        start = self.clock()
        outcomes = [Outcome(question) for question in questions]
        while True:
            for outcome in outcomes:
                left = start + self.patience.timeout - self.clock()
                if not outcome.done and (left > 0 or not outcome.attempts):
                    self._try(outcome, start, max(left, 1.0))
            left = start + self.patience.timeout - self.clock()
            if once or left <= 0 or all(outcome.done for outcome in outcomes):
                return outcomes
            self.pause(min(self.patience.interval, left))

    def _try(self, outcome: Outcome, start: float, left: float) -> None:
        outcome.attempts += 1
        try:
            silence = min(self.patience.request_timeout, left)
            outcome.answer = ask(outcome.question, seconds=left, silence=silence, clock=self.clock)
            outcome.failure, outcome.done = None, True
        except ProbeError as failure:
            outcome.failure = failure
            outcome.done = not failure.heals and self.clock() - start >= self.patience.grace
        outcome.waited_seconds = round(self.clock() - start, 1)
