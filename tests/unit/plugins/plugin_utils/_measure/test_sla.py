# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit holds, is broken, or it cannot be told; and which concurrency keeps it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._measure import sla
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, read
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.sla import BROKEN, HOLDS, UNKNOWN
from fakes import measured


def run(tmp_path: Path, rows: list[dict[str, Any]]) -> Measured:
    return read(measured.written(tmp_path, rows))


def verdict(tmp_path: Path, rows: list[dict[str, Any]], **limits: Any) -> str:
    return sla.overall(sla.judge(run(tmp_path, rows), limits))


def share_slow(slow: int, n: int) -> list[dict[str, Any]]:
    """Spread, as chance would have it."""
    numbers = random.Random(n).sample(range(n), slow)
    return [measured.row(number, number, 2.0 if number in numbers else 0.2) for number in range(n)]


@pytest.mark.parametrize(
    ("slow", "n", "wanted"),
    [
        (0, 59, HOLDS),
        (0, 58, UNKNOWN),
        (5, 300, HOLDS),
        (15, 300, UNKNOWN),
        (40, 300, BROKEN),
        (4, 5, BROKEN),
        (1, 5, UNKNOWN),
    ],
)
def test_a_limit_of_a_percentile_is_one_of_a_share(tmp_path: Path, slow: int, n: int, wanted: str) -> None:
    assert verdict(tmp_path, share_slow(slow, n), ttft_p95_ms=500) == wanted


def test_how_many_would_be_needed_is_told(tmp_path: Path) -> None:
    (one,) = sla.judge(run(tmp_path, share_slow(0, 30)), {"ttft_p95_ms": 500})
    assert one.words == "0 of 30 requests took longer than 500 ms to the first token; 59 would be needed to be sure"


def test_what_failed_never_had_its_token_in_time_however_fast_it_failed(tmp_path: Path) -> None:
    rows = [measured.row(number, number, 0.2) for number in range(30)]
    slow = [measured.failed(30 + number, 30 + number, 900) for number in range(30)]
    quick = [measured.failed(30 + number, 30 + number, 0.01, "connect") for number in range(30)]
    (one,) = sla.judge(run(tmp_path, rows + slow), {"ttft_p95_ms": 500})
    assert (one.verdict, one.n, one.observed) == (BROKEN, 60, 0.5)
    (one,) = sla.judge(run(tmp_path, rows + quick), {"ttft_p95_ms": 500})
    assert (one.verdict, one.n, one.observed) == (BROKEN, 60, 0.5)
    assert one.words == "30 of 60 requests took longer than 500 ms to the first token, 30 of them failed"
    # What the end of the run has ended says nothing of how long it would have taken.
    ended = [measured.failed(30 + number, 30 + number, 0.01, "interrupted") for number in range(30)]
    (one,) = sla.judge(run(tmp_path, rows + ended), {"ttft_p95_ms": 500})
    assert (one.n, one.observed) == (30, 0.0)


@pytest.mark.parametrize(
    ("failed", "limit", "wanted"),
    [(0, 0.05, HOLDS), (30, 0.05, BROKEN), (5, 0.05, UNKNOWN), (0, 0, HOLDS), (1, 0, BROKEN), (0, 0.01, UNKNOWN)],
)
def test_the_share_of_failures(tmp_path: Path, failed: int, limit: float, wanted: str) -> None:
    rows = [measured.row(number, number, 0.2) for number in range(100 - failed)]
    rows += [measured.failed(100 + number, number + 0.5, 1) for number in range(failed)]
    assert verdict(tmp_path, rows, error_rate=limit) == wanted


def test_pauses_are_judged_by_answers(tmp_path: Path) -> None:
    """Fifty pauses in each of three answers are not 150 independent ones."""
    smooth = [measured.row(number, number, 0.2, gaps=[0.02] * 50) for number in range(3)]
    assert verdict(tmp_path, smooth, itl_p95_ms=100) == UNKNOWN
    many = [measured.row(number, number, 0.2, gaps=[0.02] * 50) for number in range(80)]
    assert verdict(tmp_path, many, itl_p95_ms=100) == HOLDS
    halting = [measured.row(number, number, 0.2, gaps=[0.02] * 40 + [0.5] * 10) for number in range(80)]
    assert verdict(tmp_path, halting, itl_p95_ms=100) == BROKEN


def test_a_model_has_limits_of_its_own(tmp_path: Path) -> None:
    rows = share_slow(0, 100) + [{**one, "model": "coder"} for one in share_slow(100, 100)]
    assert verdict(tmp_path, rows, ttft_p95_ms=500) == BROKEN
    assert verdict(tmp_path, rows, ttft_p95_ms=500, models={"coder": {"ttft_p95_ms": 3000}}) == HOLDS


def test_warming_up_is_not_judged(tmp_path: Path) -> None:
    rows = share_slow(0, 100) + [measured.row(number, number, 9.0, series="warm_up") for number in range(50)]
    assert verdict(tmp_path, rows, ttft_p95_ms=500) == HOLDS


def test_the_largest_concurrency_is_the_last_before_it_cannot_be_told(tmp_path: Path) -> None:
    rows = []
    for level, slow in ((1, 0), (2, 1), (4, 15), (8, 150), (16, 290)):
        rows += [{**one, "series": f"concurrency {level}"} for one in share_slow(slow, 300)]
    judged = sla.judge(run(tmp_path, rows), {"ttft_p95_ms": 500, "error_rate": 0.05})
    assert sla.largest_concurrency(judged) == {"chat": {"holds": 2, "breaks": 8, "levels": [1, 2, 4, 8, 16]}}
    # That it breaks at last is what it is for.
    assert sla.overall(judged) == HOLDS


def test_a_limit_that_holds_is_called_broken_in_at_most_one_of_twenty_runs(tmp_path: Path) -> None:
    """At the very limit, which is the worst: exactly 5 % are slower."""
    chance, verdicts = random.Random(4), []
    for _ in range(200):
        rows = [measured.row(number, number, 2.0 if chance.random() < 0.05 else 0.2, gaps=[]) for number in range(200)]
        verdicts.append(verdict(tmp_path, rows, ttft_p95_ms=500))
    # Of 200 at 5 %, chance alone gives more than 17 in one of fifty series.
    assert verdicts.count(BROKEN) <= 17
    assert verdicts.count(HOLDS) <= 17


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"ttft_p96_ms": 5}, "sla has 'ttft_p96_ms', which is no limit: write ttft_p95_ms"),
        ({"ttft_p95_ms": "5"}, "sla.ttft_p95_ms is '5': write a number of milliseconds above 0."),
        ({"ttft_p95_ms": True}, "sla.ttft_p95_ms is True"),
        ({"error_rate": 5}, "sla.error_rate is 5: write a share from 0 to less than 1."),
        (
            {"models": {"nobody": {"ttft_p95_ms": 5}}},
            "sla.models names nobody, which was not asked in this run: write one of chat.",
        ),
        ({"models": ["chat"]}, "sla.models is to be a mapping"),
        ({"models": {"chat": {"models": {}}}}, "sla.models.chat has 'models', which is no limit"),
    ],
)
def test_a_limit_that_is_none_is_refused(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(HearthError) as caught:
        sla.check(limits, ["chat"])
    assert words in str(caught.value)
