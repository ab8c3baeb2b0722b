# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out: asks when it is time to, writes each row when it ends, and stops at a bound, or when somebody says so. PRIVATE to the collection."""

from __future__ import annotations

import asyncio
import collections
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Iterable, Iterator, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._load.records import (
    DIGITS,
    PROGRESS,
    REQUESTS,
    WARM_UP,
    Row,
)

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._load.asking import Asker
    from ansible_collections.hearth.llm.plugins.module_utils._load.plan import Ask, Part, Plan
    from ansible_collections.hearth.llm.plugins.module_utils._load.records import RawFolder

PLAN, TIME, INTERRUPT = "plan", "time", "interrupt"
# Between two looks at how late the loop itself is, and between two words on how far it is.
TICK_SECONDS, TELL_TICKS = 0.1, 5


@dataclass
class Seen:
    """What is told while it runs, and what a sweep is judged by. The report reads the rows instead."""

    # Whether all times are kept, which is much where a run takes hours.
    judged: bool = False
    ended: int = 0
    failed: int = 0
    tokens: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    recent: collections.deque[float] = field(default_factory=lambda: collections.deque(maxlen=200))
    first: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.ended += 1
        if row.error:
            self.failed += 1
            kind = row.error["kind"]
            self.errors[kind] = self.errors.get(kind, 0) + 1
            return
        self.tokens += row.tokens_out if row.tokens_out is not None else row.pieces
        if row.first is not None:
            self.recent.append(row.first - row.scheduled)
        if self.judged:
            self.first += [] if row.first is None else [row.first - row.scheduled]
            self.gaps += row.gaps

    def broken(self, until: Mapping[str, float]) -> list[str]:
        """Which of the limits this does not hold, in words."""
        told = {
            "ttft_p95_ms": _quantile(self.first, 0.95) * 1000,
            "itl_p95_ms": _quantile(self.gaps, 0.95) * 1000,
            "error_rate": self.failed / self.ended if self.ended else 0.0,
        }
        return [f"{name} {told[name]:.4g} > {limit:g}" for name, limit in until.items() if told[name] > limit]


class Driver:
    def __init__(
        self, plan: Plan, asker: Asker, folder: RawFolder, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.plan, self.asker, self.folder = plan, asker, folder
        self._clock = clock
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None
        self._out_of_time = False
        self._interrupted = False
        self._part = ""
        self._running = 0
        self._seen, self._of_part = Seen(), Seen()
        # How late requests began after they were due, and how late the loop came to what was due.
        self._late: list[float] = []
        self._loop_late: list[float] = []
        self.stopped_at = ""

    def interrupt(self) -> None:
        """What is on its way is given up, and noted as that."""
        self._interrupted = True
        self._stop.set()

    async def run(self, heartbeat: Callable[[], None] = lambda: None) -> str:
        """How it ended. `heartbeat` is called some times a second, and may interrupt."""
        self.asker.began = self._clock()
        ticking = asyncio.ensure_future(self._tick(heartbeat))
        deadline = math.inf
        try:
            for part in self.plan.parts:
                self._part, self._of_part = part.series, Seen(part.judged)
                if part.series != WARM_UP and deadline == math.inf:
                    deadline = self._clock() + self.plan.profile.seconds
                await self._one_part(part, deadline)
                if self._failure:
                    raise self._failure
                if self._interrupted or self._clock() >= deadline:
                    break
                broken = self._of_part.broken(self.plan.profile.until) if part.judged else []
                if broken:
                    self.stopped_at = f"{part.series}: {', '.join(broken)}"
                    break
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            self.asker.close()
            self._tell()
        return INTERRUPT if self._interrupted else TIME if self._out_of_time else PLAN

    @property
    def seconds(self) -> float:
        return self.asker.now()

    @property
    def seen(self) -> Seen:
        return self._seen

    def cost(self) -> dict[str, Any]:
        """How exact its times are. Null where nothing was due: in a closed loop without think times each request follows an answer."""
        late = {"late": self._late, "loop_late": self._loop_late}
        return {
            f"{name}_p{share:.0f}": round(_quantile(values, share / 100), DIGITS) if values else None
            for name, values in late.items()
            for share in (50, 99)
        }

    async def _one_part(self, part: Part, deadline: float) -> None:
        end = min(deadline, self._clock() + part.seconds)
        if part.schedule:
            self._task(self._scheduled(part.schedule(), self._clock(), end))
        for user in part.users:
            self._task(self._user(user(), end, deadline))
        stop = asyncio.ensure_future(self._stop.wait())
        limit = end + self.plan.profile.drain
        while self._tasks and not self._stop.is_set():
            left = max(0.0, limit - self._clock()) if limit < math.inf else None
            if left == 0.0:
                self._out_of_time = self._out_of_time or end >= deadline
                break
            # A task that ends may have begun others, so the set is looked at anew.
            waited = {stop, next(iter(self._tasks))}
            await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        left_over = list(self._tasks)
        for task in left_over:
            task.cancel()
        stop.cancel()
        await asyncio.gather(stop, *left_over, return_exceptions=True)

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            # Such as a disk that is full: no row would be written any more.
            self._failure = self._failure or task.exception()
            self._stop.set()

    async def _user(self, asks: Iterator[Ask], end: float, deadline: float) -> None:
        for ask in asks:
            due = self._clock() + ask.after
            if due >= end:
                self._out_of_time = self._out_of_time or end >= deadline
                return
            if ask.after > 0:
                await asyncio.sleep(ask.after)
                self._late.append(max(0.0, self._clock() - due))
            await self._ask(ask, None)

    async def _scheduled(self, asks: Iterator[Ask], began: float, end: float) -> None:
        """By the schedule, whatever comes back. Where too many are on their way already, the next ones wait, and their wait is part of what they took."""
        places = asyncio.Semaphore(self.plan.profile.in_flight)
        for ask in asks:
            due = began + float(ask.at or 0.0)
            if due >= end:
                self._out_of_time = True
                return
            await asyncio.sleep(max(0.0, due - self._clock()))
            self._late.append(max(0.0, self._clock() - due))
            self._task(self._in_its_place(ask, due - self.asker.began, places))

    async def _in_its_place(self, ask: Ask, scheduled: float, places: asyncio.Semaphore) -> None:
        try:
            await places.acquire()
        except asyncio.CancelledError:
            self._write(self._given_up(self.asker.row(ask, scheduled)))
            raise
        try:
            await self._ask(ask, scheduled)
        finally:
            places.release()

    async def _ask(self, ask: Ask, scheduled: float | None) -> None:
        row = self.asker.row(ask, scheduled)
        self._running += 1
        try:
            await self.asker.fill(ask, row, closed=scheduled is None)
        except asyncio.CancelledError:
            self._given_up(row)
            raise
        finally:
            self._running -= 1
            self._write(row)

    def _given_up(self, row: Row) -> Row:
        row.ended = self.asker.now()
        why = "the run was interrupted" if self._interrupted else "the run's time was over"
        row.error = {"kind": "interrupted", "message": f"{why} while this was on its way."}
        return row

    def _write(self, row: Row) -> None:
        if row.series != WARM_UP:
            self._seen.add(row)
            self._of_part.add(row)
        self.folder.add(REQUESTS, row.as_dict())

    async def _tick(self, heartbeat: Callable[[], None]) -> None:
        ticks = 0
        while True:
            due = self._clock() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self._loop_late.append(max(0.0, self._clock() - due))
            heartbeat()
            ticks += 1
            if ticks % TELL_TICKS == 0:
                self._tell()

    def _tell(self) -> None:
        told = {
            "part": self._part,
            "planned": self.plan.planned,
            "ended": self._seen.ended,
            "failed": self._seen.failed,
            "errors": self._seen.errors,
            "running": self._running,
            "tokens": self._seen.tokens,
            "first_p50": round(_quantile(self._of_part.recent, 0.5), 3),
            "seconds": round(self.asker.now(), 1),
            "bound": self.plan.profile.seconds,
        }
        self.folder.put(PROGRESS, told, indent=None)


def _quantile(values: Iterable[float], share: float) -> float:
    """The nearest rank; 0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]
