# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bytes are there, which are on their way, and which come next.

The hash of a file is sequential, so pieces are handed out in order and never further ahead of the gapless prefix than a window that the
page cache can hold. Pieces get smaller towards the end, so that all connections finish together, and a connection that has become
slow gives half of its piece to one that has nothing to do.
"""

from __future__ import annotations

import threading
import time
from typing import Iterable, Tuple

MIB = 1 << 20
WINDOW_BYTES = 512 * MIB
LARGEST_PIECE_BYTES = 32 * MIB
HASH_LAG_BYTES = 64 * MIB
SMALLEST_PIECE_BYTES = MIB
# Splitting a piece costs a connection: only where its holder would need longer than this.
SLOW_SECONDS = 2.0
SMALLEST_SPLIT_BYTES = MIB // 8

Range = Tuple[int, int]


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Sorted, without overlaps and touching neighbours."""
    merged: list[Range] = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def gaps(ranges: Iterable[Range], size: int) -> list[Range]:
    """What is missing to `size` bytes."""
    missing, position = [], 0
    for start, end in merge(ranges):
        if start > position:
            missing.append((position, start))
        position = max(position, end)
    if position < size:
        missing.append((position, size))
    return missing


def total(ranges: Iterable[Range]) -> int:
    return sum(end - start for start, end in ranges)


class Piece:
    """A range that one connection is fetching. Its end moves towards us when another one takes over its tail."""

    __slots__ = ("end", "position", "since", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = self.position = start
        self.end = end
        self.since = time.monotonic()

    def seconds_left(self, now: float) -> float:
        rate = (self.position - self.start) / max(now - self.since, 0.001)
        return (self.end - self.position) / max(rate, 1.0)


class Schedule:
    """Shared by all workers, the hasher and the coordinator of one file."""

    def __init__(self, size: int, proven: Iterable[Range] = (), *, workers: int = 1, most: int = 1) -> None:
        """`most`: how many workers there may ever be. Already the first one takes no more than its share of that."""
        self.size, self.workers, self._most = size, workers, max(workers, most)
        self.received = 0
        # How far the hash has come; see _welcome.
        self.hashed = 0
        self.changed = threading.Condition()
        self._done = merge(proven)
        self._todo = gaps(self._done, size)
        self._flying: list[Piece] = []
        self._stopped = self._in_order = False

    @property
    def prefix(self) -> int:
        """How many bytes are there without a gap."""
        return self._done[0][1] if self._done and self._done[0][0] == 0 else 0

    @property
    def complete(self) -> bool:
        return self.prefix == self.size

    @property
    def flying(self) -> int:
        return len(self._flying)

    def done(self) -> list[Range]:
        with self.changed:
            return list(self._done)

    def stop(self) -> None:
        with self.changed:
            self._stopped = True
            self.changed.notify_all()

    def in_order(self) -> None:
        """The server does not know ranges: one connection fetches everything behind the prefix."""
        with self.changed:
            self._in_order, self.workers = True, 1

    def resize(self, workers: int) -> None:
        with self.changed:
            self.workers = workers
            self.changed.notify_all()

    def take(self, worker: int) -> Piece | None:
        """The next piece for that worker, which waits while there may be one later; None when nothing is left to do."""
        with self.changed:
            while not self._stopped and not self.complete:
                piece = (self._next() or self._split()) if worker < self._welcome else None
                if piece:
                    self._flying.append(piece)
                    return piece
                self.changed.wait(0.5)
            return None

    def advance(self, piece: Piece, count: int) -> None:
        """`count` further bytes of the piece are written."""
        with self.changed:
            before = self.prefix
            self._done = merge([*self._done, (piece.position, piece.position + count)])
            piece.position += count
            self.received += count
            if self.prefix != before:
                self.changed.notify_all()

    def leave(self, piece: Piece) -> None:
        """The worker is finished with the piece, or has failed: what is missing of it is for the next one."""
        with self.changed:
            self._flying.remove(piece)
            if piece.position < piece.end:
                self._todo = merge([*self._todo, (piece.position, piece.end)])
            self.changed.notify_all()

    def wait_behind(self, position: int) -> int:
        """Waits until the prefix is longer than `position`; returns it (the same where all has been stopped)."""
        with self.changed:
            while self.prefix <= position and not self._stopped:
                self.changed.wait(0.5)
            return self.prefix

    @property
    def _welcome(self) -> int:
        """How many workers may take a piece: only one while the hash is far behind, because then it needs the processor more."""
        return self.workers if self.prefix - self.hashed < HASH_LAG_BYTES else 1

    def hash_reached(self, position: int) -> None:
        with self.changed:
            was_far = self.prefix - self.hashed >= HASH_LAG_BYTES
            self.hashed = position
            if was_far and self.prefix - position < HASH_LAG_BYTES:
                self.changed.notify_all()

    def _next(self) -> Piece | None:
        if not self._todo:
            return None
        start, end = self._todo[0]
        if self._in_order:
            self._todo = []
            return Piece(self.prefix, self.size)
        if start >= self.prefix + WINDOW_BYTES:
            return None
        share = total(self._todo) // (2 * self._most)
        end = min(end, start + min(max(share, SMALLEST_PIECE_BYTES), LARGEST_PIECE_BYTES))
        self._todo[0] = (end, self._todo[0][1])
        if self._todo[0][0] == self._todo[0][1]:
            del self._todo[0]
        return Piece(start, end)

    def _split(self) -> Piece | None:
        """The second half of the piece that would be the last one to arrive."""
        if self._in_order:
            return None
        now = time.monotonic()
        slow = [
            p for p in self._flying if p.end - p.position >= 2 * SMALLEST_SPLIT_BYTES and now - p.since > SLOW_SECONDS
        ]
        slowest = max(slow, key=lambda p: p.seconds_left(now), default=None)
        if slowest is None or slowest.seconds_left(now) < SLOW_SECONDS:
            return None
        middle = (slowest.position + slowest.end) // 2
        piece = Piece(middle, slowest.end)
        slowest.end = middle
        return piece


class Ramp:
    """How many connections: few at first, twice as many as long as that pays.

    A path that is limited for each connection (a far CDN, a throttled mirror) carries more with more of them; a path that is full only
    gets more work.
    """

    GAIN = 1.25
    SETTLED_SECONDS = 5.0

    def __init__(self, start: int, most: int, now: float) -> None:
        self.most = max(1, most)
        self.workers = min(max(1, start), self.most)
        self._growing, self._since = True, now
        self._fewer, self._rate = self.workers, 0.0

    def tick(self, rate: float, now: float) -> int:
        """Given the bytes a second since the last call: how many workers there should be."""
        if self._growing:
            if rate < self._rate * self.GAIN:
                self.workers, self._growing, self._since = self._fewer, False, now
            elif self.workers < self.most:
                self._more(self.workers * 2)
            else:
                self._growing, self._since = False, now
        elif now - self._since > self.SETTLED_SECONDS and self.workers < self.most:
            # The path may have changed: try once more.
            self._growing = True
            self._more(self.workers + max(1, self.workers // 2))
        self._rate = rate
        return self.workers

    def _more(self, workers: int) -> None:
        self._fewer, self.workers = self.workers, min(workers, self.most)

    def shrink(self, now: float) -> int:
        """The server says that this is too much."""
        self.workers, self._growing, self._since = max(1, self.workers // 2), False, now
        return self.workers
