# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts for a figure, and what does not."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, read
from fakes import measured


def run(tmp_path: Path, rows: list[dict[str, Any]], **profile: Any) -> Measured:
    return read(measured.written(tmp_path, rows, {"profile": {"name": "p", "kind": "closed", **profile}}))


def stalled(*, open_loop: bool) -> list[dict[str, Any]]:
    """A server that answers in 50 ms, and for ten seconds not at all. One is due each 100 ms; one connection."""
    rows, free = [], 0.0
    for number in range(1000):
        due = number * 0.1
        started = max(due, free)
        if not open_loop and started > due + 0.1:
            # A client that waits asks again only now, and the requests that were due are never made.
            continue
        answered = started + 0.05
        if 40.0 <= started < 50.0:
            answered = 50.05
        free = answered
        rows.append(measured.row(number, started, answered - started, gaps=[], scheduled=due if open_loop else started))
    return rows


def test_what_a_stall_costs_is_seen_in_an_open_loop_and_hidden_in_a_closed_one(tmp_path: Path) -> None:
    (seen,) = figures.all_figures(run(tmp_path / "open", stalled(open_loop=True), kind="open"))
    (hidden,) = figures.all_figures(run(tmp_path / "closed", stalled(open_loop=False)))
    # Of a hundred seconds ten have nobody served, and the queue takes ten more to go: a fifth waits.
    latency = seen["figures"]["latency"]
    assert latency["max"] == pytest.approx(10.05, abs=0.1)
    assert latency["mean"]["value"] > 0.5
    assert (
        sum(
            value > 1
            for value in figures.times(
                run(tmp_path / "open", stalled(open_loop=True), kind="open").rows, "latency", True
            )
        )
        > 150
    )
    # The naive client has one slow request.
    naive = hidden["figures"]["latency"]
    assert naive["percentiles"]["95"]["value"] == pytest.approx(0.05)
    assert naive["mean"]["value"] < 0.1
    # Wait and service stand apart.
    assert seen["figures"]["wait"]["max"] == pytest.approx(10.0, abs=0.2)
    assert seen["figures"]["service"]["percentiles"]["95"]["value"] == pytest.approx(0.05)
    assert "wait" not in hidden["figures"]


def test_values_that_come_in_a_row_carry_fewer_percentiles(tmp_path: Path) -> None:
    (seen,) = figures.all_figures(run(tmp_path, stalled(open_loop=True), kind="open"))
    told = seen["figures"]["latency"]["percentiles"]["95"]
    assert told["value"] is None
    assert "which are worth" in told["why"]


def test_no_failure_is_in_any_figure(tmp_path: Path) -> None:
    rows = measured.users(random.Random(1), 100, measured.CONSTANT)
    rows += [measured.failed(100 + number, 60 + number, 900) for number in range(20)]
    rows += [measured.failed(200, 90, 1, "interrupted")]
    (group,) = figures.all_figures(run(tmp_path, rows))
    assert group["requests"]["n"] == 121
    assert group["requests"]["succeeded"] == 100
    assert group["requests"]["failed"] == {"timeout": 20}
    assert group["requests"]["interrupted"] == 1
    # What was interrupted is no failure.
    assert group["requests"]["error_rate"]["value"] == pytest.approx(20 / 120)
    assert group["figures"]["latency"]["n"] == 100
    assert group["figures"]["latency"]["max"] == pytest.approx(0.38)


def test_cached_tokens_stand_apart_from_evaluated_ones(tmp_path: Path) -> None:
    rows = [measured.row(number, number, 0.5, tokens_in=1000, tokens_cached=900 * (number % 2)) for number in range(10)]
    rows += [measured.row(10, 10, 0.5, tokens_in=1000, tokens_cached=None)]
    (group,) = figures.all_figures(run(tmp_path, rows))
    assert group["tokens"]["in"] == {"n": 11, "sum": 11_000}
    assert group["tokens"]["cached"] == {"n": 10, "sum": 4500, "share": 0.45}
    assert group["tokens"]["evaluated"] == {"n": 10, "sum": 5500}
    # 1000 or 100 tokens in half a second; where nobody says what was cached, nothing is said.
    assert group["figures"]["prompt"]["n"] == 10
    assert group["figures"]["prompt"]["mean"]["value"] == pytest.approx((2000 + 200) / 2)


def test_the_queue_of_the_gateway_is_no_time_of_the_engine(tmp_path: Path) -> None:
    rows = [measured.row(number, number, 0.6, queue=0.4, tokens_in=100, tokens_cached=0) for number in range(3)]
    (group,) = figures.all_figures(run(tmp_path, rows))
    assert group["figures"]["prompt"]["mean"]["value"] == pytest.approx(500)
    assert group["figures"]["queue"]["mean"]["value"] == pytest.approx(0.4)


def test_throughput_is_what_came_in_the_time(tmp_path: Path) -> None:
    rows = measured.users(random.Random(1), 200, measured.CONSTANT, every=0.5)
    (group,) = figures.all_figures(run(tmp_path, rows))
    told = group["throughput"]
    assert told["tokens"]["value"] == pytest.approx(2000 / 99.88, rel=0.01)
    assert told["tokens"]["low"] <= told["tokens"]["value"] <= told["tokens"]["high"]
    # Each takes 0.38 s, and one begins each half second (Little).
    assert told["in_flight"] == pytest.approx(0.38 / 0.5, rel=0.01)


def test_of_a_run_of_seconds_no_interval_of_throughput_is_told(tmp_path: Path) -> None:
    (group,) = figures.all_figures(run(tmp_path, measured.users(random.Random(1), 4, measured.CONSTANT)))
    assert group["throughput"]["tokens"]["low"] is None
    assert "of at least 10 seconds" in group["throughput"]["tokens"]["why"]


def test_a_counter_that_fell_says_that_the_engine_was_started_again() -> None:
    grown = figures.of_engines(
        {
            "before": {"chat": {"tokens_total": 5, "x_total": 9, "busy": 1}},
            "after": {"chat": {"tokens_total": 25, "x_total": 3, "busy": 0}, "new": {}},
        }
    )
    assert grown == {"chat": {"tokens_total": 20, "x_total": None}}


@pytest.mark.parametrize(
    ("answers", "gap", "wanted"), [(12, 0.0, "all values are 0"), (2, 0.1, "2 of at least 3 answers")]
)
def test_why_a_mean_of_pauses_has_no_interval_is_true(tmp_path: Path, answers: int, gap: float, wanted: str) -> None:
    rows = [measured.row(number, float(number), 0.5, gaps=[gap, gap]) for number in range(answers)]
    (group,) = figures.all_figures(run(tmp_path, rows))
    assert group["figures"]["itl"]["mean"]["why"] == wanted
