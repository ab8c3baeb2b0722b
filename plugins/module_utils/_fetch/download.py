# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches one file: several connections write it, one thread hashes it in order right behind them, the coordinator keeps the journal."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    StatusError,
    TransportError,
)
from ansible_collections.hearth.llm.plugins.module_utils._fetch.digest import GitDigest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import Part
from ansible_collections.hearth.llm.plugins.module_utils._fetch.ranges import MIB, Piece, Ramp, Schedule, total
from ansible_collections.hearth.llm.plugins.module_utils._fetch.remote import Remote, Stream
from ansible_collections.hearth.llm.plugins.module_utils._http import TRANSIENT, retry_after_seconds

LARGEST_READ_BYTES = MIB // 2
SMALLEST_READ_BYTES = 16 * 1024
HASH_READ_BYTES = MIB
TICK_SECONDS = 0.2
CHECKPOINT_SECONDS = 1.0
FIRST_CONNECTIONS = 4
# Where the server does not say how long to wait.
LONGEST_BACK_OFF_SECONDS = 10.0


@dataclass(frozen=True)
class Limits:
    connections: int = 16
    retries: int = 8
    longest_wait_seconds: float = 60.0


@dataclass(frozen=True)
class Fetched:
    sha256: str
    git_sha1: str
    # What came over the wire in this run.
    received: int


class Download:
    def __init__(
        self, remote: Remote, part: Part, target: str, limits: Limits, watch: Callable[[Download], None]
    ) -> None:
        """`watch` is called some times a second; what it raises stops the download, and what has arrived stays proven."""
        self.part, self.target = part, target
        self.note = ""
        self._remote, self._limits, self._watch = remote, limits, watch
        self._schedule = Schedule(part.size, part.proven, most=limits.connections)
        self._digest = part.digest()
        self._git = GitDigest(part.size) if self._digest.position == 0 else None
        self._digest_lock = threading.Lock()
        self._ramp = Ramp(FIRST_CONNECTIONS, limits.connections, time.monotonic())
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._saved = total(part.proven)
        self._ranged = False

    @property
    def done_bytes(self) -> int:
        return total(self._schedule.done())

    @property
    def connections(self) -> int:
        return self._schedule.flying

    def run(self) -> Fetched:
        self.part.open()
        try:
            self._start(self._hash)
            # One connection shows what the server can do; where it knows ranges, the others follow.
            self._start(self._work, 0)
            self._coordinate()
        except BaseException:
            # The error that stopped us is the one to tell, also where the journal cannot be written either.
            with contextlib.suppress(OSError):
                self._checkpoint()
            raise
        finally:
            self._stop.set()
            self._schedule.stop()
        for thread in self._threads:
            thread.join()
        git = self._git.hexdigest() if self._git else ""
        return Fetched(self._digest.hexdigest(), git, self._schedule.received)

    def _start(self, task: Callable[..., None], *arguments: Any) -> None:
        # Daemons: one that hangs in the network must not keep a failed or interrupted run from its end.
        thread = threading.Thread(target=self._guarded, args=(task, *arguments), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, task: Callable[..., None], *arguments: Any) -> None:
        try:
            task(*arguments)
        except BaseException as error:
            self._error = self._error or error
            self._schedule.stop()

    def _coordinate(self) -> None:
        received, at, saved_at = 0, time.monotonic(), time.monotonic()
        flushed = False
        while self._digest.position < self.part.size:
            with self._schedule.changed:
                if not self._schedule.complete and not self._error:
                    self._schedule.changed.wait_for(self._ended, TICK_SECONDS)
            if self._schedule.complete and not self._error:
                if not flushed:
                    # The disk works while the hash catches up.
                    os.fdatasync(self.part.fd)
                    flushed = True
                self._threads[0].join(TICK_SECONDS)
            if self._error:
                raise self._error
            now = time.monotonic()
            if now - at >= TICK_SECONDS:
                self._adapt((self._schedule.received - received) / (now - at), now)
                received, at = self._schedule.received, now
            if now - saved_at >= CHECKPOINT_SECONDS and not self._schedule.complete:
                self._checkpoint()
                saved_at = time.monotonic()
            self._watch(self)

    def _ended(self) -> bool:
        return self._schedule.complete or self._error is not None

    def _adapt(self, rate: float, now: float) -> None:
        if self._ranged and len(self._threads) > 2:
            self._grow(self._ramp.tick(rate, now))

    def _grow(self, workers: int) -> None:
        self._schedule.resize(workers)
        for number in range(len(self._threads) - 1, workers):
            self._start(self._work, number)

    def _checkpoint(self) -> None:
        with self._digest_lock:
            digest = self._digest.save()
        # The digest first: what it has seen was written before, so it is among the ranges.
        ranges = self._schedule.done()
        if total(ranges) != self._saved:
            self.part.checkpoint(self.target, ranges, digest)
            self._saved = total(ranges)

    def _hash(self) -> None:
        buffer = memoryview(bytearray(HASH_READ_BYTES))
        while self._digest.position < self.part.size:
            limit = self._schedule.wait_behind(self._digest.position)
            if limit == self._digest.position:
                return
            while self._digest.position < limit and not self._stop.is_set():
                view = buffer[: min(HASH_READ_BYTES, limit - self._digest.position)]
                count = os.preadv(self.part.fd, [view], self._digest.position)
                if not count:
                    raise HearthError(
                        f"{self.part.path} became shorter while it was fetched. Let nothing else write there, and run again."
                    )
                if self._git:
                    self._git.update(view[:count])
                with self._digest_lock:
                    self._digest.update(view[:count])
                self._schedule.hash_reached(self._digest.position)

    def _work(self, number: int) -> None:
        buffer = memoryview(bytearray(LARGEST_READ_BYTES))
        strikes, mark = 0, -1
        while not self._stop.is_set():
            piece = self._schedule.take(number)
            if piece is None:
                return
            try:
                self._fetch(piece, buffer)
                strikes = 0
            except (TransportError, StatusError) as error:
                if not _worth_retrying(error):
                    raise
                # Failures count only as long as nothing arrives by any connection.
                strikes = strikes + 1 if self._schedule.received == mark else 1
                mark = self._schedule.received
                if strikes > self._limits.retries:
                    raise
                self._schedule.leave(piece)
                piece = None
                self._back_off(error, strikes)
            finally:
                if piece:
                    self._schedule.leave(piece)

    def _fetch(self, piece: Piece, buffer: memoryview) -> None:
        with self._remote.open(piece.position, piece.end) as stream:
            if stream.partial:
                self._begun()
            elif self._ranged:
                raise TransportError(
                    f"{self.target}: the server sent the whole file where a range was asked, though it had known ranges before. "
                    "The file was changed meanwhile, or several servers answer differently: run again, or set connections to 1.",
                    stage="read",
                )
            else:
                self._schedule.in_order()
                piece.end = self.part.size
            self.note = ""
            self._pour(stream, piece, buffer)

    def _begun(self) -> None:
        """The first answer shows that the server knows ranges: let the others in, where there is enough for them."""
        if not self._ranged:
            self._ranged = True
            if self.part.missing_bytes > FIRST_CONNECTIONS * MIB:
                self._grow(self._ramp.workers)

    def _pour(self, stream: Stream, piece: Piece, buffer: memoryview) -> None:
        """From the stream into the file. Reads are as long as a quarter of a second takes: little is lost when one fails."""
        length = 4 * SMALLEST_READ_BYTES
        while piece.position < piece.end and not self._stop.is_set():
            began = time.monotonic()
            view = buffer[: min(length, piece.end - piece.position)]
            count = stream.readinto(view)
            if not count:
                raise TransportError(
                    f"{self.target}: the answer ended {piece.end - piece.position} bytes too early.", stage="read"
                )
            took = time.monotonic() - began
            self._write(view[:count], piece.position)
            self._schedule.advance(piece, count)
            if took < 0.1:
                length = min(2 * length, LARGEST_READ_BYTES)
            elif took > 0.5:
                length = max(length // 2, SMALLEST_READ_BYTES)

    def _write(self, view: memoryview, position: int) -> None:
        while view:
            written = os.pwrite(self.part.fd, view, position)
            view, position = view[written:], position + written

    def _back_off(self, error: HearthError, strikes: int) -> None:
        asked = None
        if isinstance(error, StatusError):
            asked = retry_after_seconds(error.headers.get("Retry-After"))
            if self._schedule.workers > 1:
                self._schedule.resize(self._ramp.shrink(time.monotonic()))
        if asked is None:
            asked = min(0.5 * 2 ** (strikes - 1), LONGEST_BACK_OFF_SECONDS)
        seconds = min(asked, self._limits.longest_wait_seconds)
        self.note = f"{error.message} Trying again in {seconds:.0f} s."
        self._stop.wait(seconds)


def _worth_retrying(error: HearthError) -> bool:
    if isinstance(error, StatusError):
        return error.status in TRANSIENT
    return isinstance(error, TransportError) and error.stage not in ("tls", "proxy")
