# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of six distributions whose truth is known: each interval has it in it as often as it says."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures, intervals
from fakes import measured
from fakes.measured import Draw

SIMULATIONS = 400
# Of 400 intervals of 95 % chance alone leaves 5 of 10 000 series with fewer than 365 (binomial).
FEWEST = 365 / 400
MEANS: dict[str, tuple[Draw, float, float, float]] = {
    "exponential": (measured.EXPONENTIAL, 0.2, math.log(2) / 5, math.log(20) / 5),
    "lognormal": (measured.LOGNORMAL, 0.2 * math.exp(0.125), 0.2, 0.2 * math.exp(0.5 * 1.644854)),
    # Of the cold quarter the 95th percentile of all is the 80th.
    "cold and warm": (measured.BIMODAL, 0.65, 0.2 + 0.02 * 0.430727, 2 + 0.2 * 0.841621),
    "heavy tail": (measured.PARETO, 0.1 * 2.2 / 1.2, 0.1 * 2 ** (1 / 2.2), 0.1 * 20 ** (1 / 2.2)),
}


def simulated(draw: Draw, n: int, truth: float, name: str) -> tuple[int, int]:
    """How many intervals were told, and how many of them have the truth in them."""
    chance = random.Random(f"{name} {n}")
    told = right = 0
    for _ in range(SIMULATIONS):
        values = [draw(chance) for _ in range(n)]
        one = intervals.mean(values) if name == "mean" else figures.percentile(values, sorted(values), float(name))
        if one.low is not None and one.high is not None:
            told += 1
            right += one.low <= truth <= one.high
    return told, right


@pytest.mark.parametrize("distribution", ["exponential", "lognormal", "cold and warm"])
def test_means_are_where_they_are_said_to_be(distribution: str) -> None:
    draw, truth, _median, _high = MEANS[distribution]
    told, right = simulated(draw, 400, truth, "mean")
    assert told > 0.9 * SIMULATIONS
    assert right / told >= FEWEST


def test_a_mean_that_a_few_values_decide_has_no_interval() -> None:
    draw, truth, _median, _high = MEANS["heavy tail"]
    told, right = simulated(draw, 400, truth, "mean")
    assert told < 0.25 * SIMULATIONS
    # Runs that look harmless by chance are told of; of all runs no more are told wrong than of others.
    assert (told - right) / SIMULATIONS <= 1 - FEWEST


@pytest.mark.parametrize("distribution", MEANS)
def test_percentiles_are_where_they_are_said_to_be(distribution: str) -> None:
    draw, _mean, median, high = MEANS[distribution]
    for name, truth in (("50", median), ("95", high)):
        told, right = simulated(draw, 200, truth, name)
        assert told > 0.9 * SIMULATIONS
        assert right / told >= FEWEST


def test_what_is_always_the_same_has_no_width() -> None:
    told = figures.figure([measured.CONSTANT(random.Random(0))] * 300)
    assert told["mean"]["low"] == told["mean"]["high"] == pytest.approx(0.2)
    assert told["percentiles"]["95"]["low"] == told["percentiles"]["95"]["high"] == 0.2
    assert told["sd"] == pytest.approx(0.0, abs=1e-12)


def test_failures_mixed_in_are_a_share_and_change_no_other_figure() -> None:
    chance = random.Random(6)
    times = shares = 0
    for _ in range(SIMULATIONS):
        rows = []
        for number in range(100):
            slow = chance.random() < 0.1
            rows.append(
                measured.failed(number, number, 30)
                if slow
                else measured.row(number, number, measured.EXPONENTIAL(chance), gaps=[])
            )
        failed = sum(one["error"] is not None for one in rows)
        share = intervals.share(failed, len(rows))
        shares += share.low is not None and share.high is not None and share.low <= 0.1 <= share.high
        values = [one["first"] - one["started"] for one in rows if one["first"] is not None]
        middle = intervals.percentile(sorted(values), 50)
        times += middle.low is not None and middle.high is not None and middle.low <= math.log(2) / 5 <= middle.high
    assert times / SIMULATIONS >= FEWEST
    assert shares / SIMULATIONS >= FEWEST


def test_values_that_hang_together_are_worth_fewer() -> None:
    """Of an autoregression with 0.8 nine values are worth one; an interval that took them for independent would miss in every second run."""
    chance, told, right, naive = random.Random(8), 0, 0, 0
    for _ in range(SIMULATIONS):
        value, values = 0.0, []
        for _ in range(800):
            value = 0.8 * value + chance.gauss(0, 0.1)
            values.append(5 + value)
        one, other = intervals.mean(values), intervals.mean(values, float(len(values)))
        assert one.low is not None
        assert one.high is not None
        assert other.low is not None
        assert other.high is not None
        told += 1
        right += one.low <= 5 <= one.high
        naive += other.low <= 5 <= other.high
    assert right / told >= 0.90
    assert naive / told < 0.7


def test_long_series_are_judged_as_short_ones_are() -> None:
    chance = random.Random(9)
    independent = [chance.random() for _ in range(20_000)]
    assert intervals.effective_size(independent) > 15_000
    value, values = 0.0, []
    for _ in range(20_000):
        value = 0.8 * value + chance.gauss(0, 1)
        values.append(value)
    assert 20_000 / 9 * 0.6 < intervals.effective_size(values) < 20_000 / 9 * 1.6


def test_pauses_within_answers_are_worth_what_answers_are() -> None:
    """Answers are slow or quick as a whole: of 60 answers with 50 pauses each there are 60 values, not 3000."""
    chance, right, naive = random.Random(10), 0, 0
    for _ in range(SIMULATIONS):
        pairs = [
            (sum(chance.random() < slow for _ in range(50)), 50)
            for slow in (chance.choice([0.02, 0.3]) for _ in range(60))
        ]
        one = intervals.share_in_groups(pairs)
        other = intervals.share(sum(count for count, _size in pairs), 3000)
        assert one.low is not None
        assert one.high is not None
        assert other.low is not None
        assert other.high is not None
        right += one.low <= 0.16 <= one.high
        naive += other.low <= 0.16 <= other.high
    assert right / SIMULATIONS >= FEWEST
    assert naive / SIMULATIONS < 0.7


@pytest.mark.parametrize(("percent", "fewest"), [(50, 20), (90, 100), (95, 200), (99, 1000)])
def test_a_percentile_needs_ten_values_beyond_it(percent: float, fewest: int) -> None:
    values = [float(number) for number in range(fewest)]
    assert intervals.percentile(values[:-1], percent).value is None
    assert f"at least {fewest}" in intervals.percentile(values[:-1], percent).why
    told = intervals.percentile(values, percent)
    assert told.value is not None
    assert told.low is not None
    assert told.high is not None
    assert told.low < told.value < told.high


def test_the_quantile_is_type_8() -> None:
    """As R's quantile(c(1, 2, 3, 4, 10), type = 8) has it."""
    values = [1.0, 2.0, 3.0, 4.0, 10.0]
    assert intervals.quantile_of(values, 0.5) == 3
    assert intervals.quantile_of(values, 0.25) == pytest.approx(1.6666667)
    assert intervals.quantile_of(values, 0.75) == pytest.approx(6.0)


@pytest.mark.parametrize("make", [lambda n: [0.01] * (n - 1) + [5.0], lambda n: [float(2**k) for k in range(n)]])
def test_no_rate_is_negative_however_few_there_are(make: Callable[[int], list[float]]) -> None:
    for n in range(3, 12):
        for one in (intervals.mean(make(n)), intervals.rate(make(n))):
            assert one.low is not None
            assert one.low > 0


def test_a_sample_of_four_has_the_interval_of_a_t_of_three() -> None:
    told = intervals.mean([1.0, 1.1, 0.9, 1.0])
    assert told.low == pytest.approx(math.exp(-3.182446 * 0.0816497 / 2), rel=1e-4)
