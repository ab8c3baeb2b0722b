# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random
import threading

from ansible_collections.hearth.llm.plugins.module_utils._fetch import ranges
from ansible_collections.hearth.llm.plugins.module_utils._fetch.ranges import MIB, Ramp, Schedule, gaps, merge, total


def test_ranges_and_their_gaps_are_each_other_s_rest() -> None:
    have = [(50, 60), (0, 10), (10, 20), (15, 30), (99, 99)]
    assert merge(have) == [(0, 30), (50, 60)]
    assert gaps(have, 100) == [(30, 50), (60, 100)]
    assert total(merge([*have, *gaps(have, 100)])) == 100


def test_every_byte_is_handed_out_once_however_workers_fail() -> None:
    size, chance = 300 * MIB + 17, random.Random(3)
    schedule = Schedule(size, [(5 * MIB, 9 * MIB)], workers=4, most=4)
    handed: list[tuple[int, int]] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        while piece := schedule.take(number):
            count = piece.end - piece.position
            if chance.random() < 0.3:
                count = count // 3
            with lock:
                handed.append((piece.position, piece.position + count))
            schedule.advance(piece, count)
            schedule.hash_reached(schedule.prefix)
            schedule.leave(piece)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert schedule.complete
    assert total(handed) == size - 4 * MIB == schedule.received
    assert merge([*handed, (5 * MIB, 9 * MIB)]) == [(0, size)]


def test_nobody_runs_further_ahead_of_the_hash_than_the_window() -> None:
    schedule = Schedule(10 * ranges.WINDOW_BYTES, workers=64, most=64)
    first = schedule.take(0)
    assert first
    furthest = 0
    while furthest < ranges.WINDOW_BYTES:
        piece = schedule.take(1)
        assert piece
        furthest = piece.end
        schedule.advance(piece, piece.end - piece.start)
        schedule.leave(piece)
    # The first piece holds everything up: only when it is there, the next one is handed out.
    waiting = threading.Thread(target=schedule.take, args=(2,), daemon=True)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    schedule.advance(first, first.end - first.start)
    # Now the hash has all of the window before it: one connection goes on, the others leave it the processor.
    waiting.join(0.2)
    assert waiting.is_alive()
    assert schedule.take(0)
    schedule.hash_reached(schedule.prefix)
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_connection_that_became_slow_gives_half_of_its_piece_away() -> None:
    schedule = Schedule(40 * MIB, workers=2, most=1)
    slow, other = schedule.take(0), schedule.take(1)
    assert slow
    assert other
    while other:
        schedule.advance(other, other.end - other.position)
        schedule.leave(other)
        if schedule.flying == 1 and not gaps([*schedule.done(), (slow.position, slow.end)], 40 * MIB):
            break
        other = schedule.take(1)
    end = slow.end
    slow.since -= 60
    taken = schedule.take(1)
    assert taken
    assert (slow.end, taken.end) == (taken.start, end)


def test_connections_grow_as_long_as_that_pays() -> None:
    throttled = Ramp(4, 16, now=0)
    for now in range(1, 10):
        throttled.tick(25e6 * throttled.workers, now)
    assert throttled.workers == 16
    full = Ramp(4, 16, now=0)
    for now in range(1, 10):
        full.tick(1e9, now)
    assert full.workers == 4
    assert full.shrink(11) == 2
