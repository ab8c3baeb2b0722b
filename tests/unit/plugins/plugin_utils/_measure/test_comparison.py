# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same engine is not called slower, though its runs differ by themselves; one that is slower is found."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._measure import comparison
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.comparison import (
    FASTER,
    SAME,
    SLOWER,
    UNKNOWN,
    compare,
    differences_of_plan,
    overall,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, read
from fakes import measured

PAIRS = 50
# How much a whole run is slower or faster than another of the same engine, which no run can know of itself.
BETWEEN_RUNS = 0.03


def run(
    tmp_path: Path, chance: random.Random, *, slower: float = 1.0, n: int = 150, every: float = 0.4, **profile: Any
) -> Measured:
    whole = slower * math.exp(chance.gauss(0, BETWEEN_RUNS))
    rows = []
    for number in range(n):
        ttft = math.exp(chance.gauss(math.log(0.2), 0.25)) * whole
        gaps = [chance.uniform(0.015, 0.025) * whole for _ in range(9)]
        rows.append(measured.row(number, number * every, ttft, gaps=gaps))
    told = {"name": "users", "kind": "closed", **profile}
    return read(measured.written(tmp_path, rows, {"profile": told}))


def test_of_fifty_pairs_of_the_same_at_most_one_of_twenty_is_an_alarm(tmp_path: Path) -> None:
    chance = random.Random(50)
    verdicts = [overall(compare(run(tmp_path, chance), [run(tmp_path, chance)])) for _ in range(PAIRS)]
    assert sum(verdict in (SLOWER, FASTER) for verdict in verdicts) <= 0.05 * PAIRS
    assert verdicts.count(SAME) >= 0.9 * PAIRS


def test_what_is_a_fifth_slower_is_found(tmp_path: Path) -> None:
    chance = random.Random(20)
    verdicts = [overall(compare(run(tmp_path, chance, slower=1.2), [run(tmp_path, chance)])) for _ in range(PAIRS)]
    assert verdicts.count(SLOWER) >= 0.9 * PAIRS


def test_the_effect_is_within_its_interval(tmp_path: Path) -> None:
    chance, right, told = random.Random(21), 0, 0
    for _ in range(PAIRS):
        for one in compare(run(tmp_path, chance, slower=1.2), [run(tmp_path, chance)]):
            if one.figure != "failures" and one.low is not None and one.high is not None:
                told += 1
                right += one.low <= 1.2 <= one.high
    assert told == 3 * PAIRS
    assert right / told >= 0.95


@pytest.mark.parametrize(("slower", "verdict"), [(1.0, UNKNOWN), (1.2, UNKNOWN), (3.0, SLOWER)])
def test_of_runs_of_seconds_only_what_is_plain_is_told(tmp_path: Path, slower: float, verdict: str) -> None:
    chance = random.Random(22)
    now = run(tmp_path, chance, slower=slower, n=60, every=0.1)
    before = run(tmp_path, chance, n=60, every=0.1)
    compared = compare(now, [before])
    assert overall(compared) == verdict
    if verdict == UNKNOWN:
        assert "of at least 10 seconds" in compared[0].words


def test_runs_that_are_known_to_differ_more_are_not_called_slower(tmp_path: Path) -> None:
    """Three earlier runs that differ by a quarter: another that is a quarter slower than their middle is nothing new."""
    chance = random.Random(23)
    before = [run(tmp_path, chance, slower=factor) for factor in (0.8, 1.0, 1.25)]
    now = run(tmp_path, chance, slower=1.25)
    assert overall(compare(now, before)) == UNKNOWN
    assert overall(compare(now, [before[1]])) == SLOWER


def test_more_failures_are_found_though_what_succeeds_is_as_quick(tmp_path: Path) -> None:
    chance = random.Random(24)
    before = run(tmp_path / "before", chance)
    rows = [measured.row(n, n * 0.4, 0.2) if n % 10 else measured.failed(n, n * 0.4, 30) for n in range(150)]
    now = read(measured.written(tmp_path / "now", rows, {"profile": {"name": "users", "kind": "closed"}}))
    (failures,) = [one for one in compare(now, [before]) if one.figure == "failures"]
    assert failures.verdict == SLOWER
    assert failures.effect == pytest.approx(0.1)


def test_a_run_of_few_requests_cannot_tell(tmp_path: Path) -> None:
    chance = random.Random(25)
    compared = compare(run(tmp_path, chance, n=4, every=30), [run(tmp_path, chance, n=4, every=30)])
    assert {one.verdict for one in compared if one.figure != "failures"} == {UNKNOWN}
    assert "blocks of time" in compared[0].words


def test_another_plan_is_named(tmp_path: Path) -> None:
    chance = random.Random(26)
    now, before = run(tmp_path / "now", chance, users=9), run(tmp_path / "before", chance, users=3)
    assert differences_of_plan(now, [before]) == ["users of the profile was 3 in baseline 1 and is 9"]
    assert differences_of_plan(now, [now]) == []


def test_short_runs_are_taken_to_differ_by_more() -> None:
    assert comparison.between_runs(1) == 0.10
    assert comparison.between_runs(3600) == 0.03
