# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run is slower than earlier ones.

Two runs of one engine differ by more than either of them knows of itself: caches, clocks and neighbours differ. What no interval within a run can know is
therefore assumed (BETWEEN_RUNS), and learnt where several earlier runs are there and differ by more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures, intervals
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.intervals import deviation
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.numbers import normal_quantile, t_quantile
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, Row

SLOWER, FASTER, SAME, UNKNOWN = "slower", "faster", "no difference", "cannot tell"
# The standard deviation between runs of the same, as a share. Of runs of about a second 10 % were seen; it falls with the root of their time,
# and not below 3 %.
BETWEEN_RUNS = 0.03
BETWEEN_SHORT_RUNS = 0.10
SHORTEST_SECONDS = figures.SHORTEST_SECONDS
# Of shorter runs nothing is said but what is surely larger than this.
PLAIN = 1.5
# "No difference" is said where one of this size would have been seen.
SEEN = 1.2
BLOCKS = 20
FEWEST_BLOCKS = 5
FEWEST_TO_LEARN = 3
COMPARED = ("ttft", "time_per_token", "latency")


@dataclass(frozen=True)
class Compared:
    series: str
    model: str
    figure: str
    verdict: str
    # How many times as long as before: or, of failures, how much more often.
    effect: float | None
    low: float | None
    high: float | None
    before: float | None
    now: float | None
    n_before: int
    n_now: int
    words: str

    def told(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Level:
    """The mean of logarithms, and how well a run knows it."""

    value: float
    variance: float
    freedom: float
    n: int
    seconds: float
    why: str = ""


def compare(now: Measured, before: Sequence[Measured]) -> list[Compared]:
    current = {group: rows for group, rows in figures.groups(now).items() if not figures.is_warm_up(group[0])}
    earlier = [figures.groups(one) for one in before]
    pairs = [
        (group, rows, [found[group] for found in earlier if group in found])
        for group, rows in current.items()
        if any(group in found for found in earlier)
    ]
    # With every comparison a false alarm gets likelier: together they are to be one of twenty (Bonferroni).
    alpha = intervals.ALPHA / max(1, len(pairs) * (len(COMPARED) + 1))
    scheduled = (now.open, before[0].open if before else False)
    compared = []
    for (series, model), rows, others in pairs:
        for name in COMPARED:
            one = _times(series, model, name, rows, others, scheduled, alpha)
            if one is not None:
                compared.append(one)
        compared.append(_failures(series, model, rows, others, alpha))
    return compared


def differences_of_plan(now: Measured, before: Sequence[Measured]) -> list[str]:
    """What keeps two runs from being compared, in words."""
    found = []
    for number, one in enumerate(before, 1):
        for key in sorted(set(now.profile) | set(one.profile)):
            if key != "name" and now.profile.get(key) != one.profile.get(key):
                found.append(
                    f"{key} of the profile was {one.profile.get(key)!r} in baseline {number} and is {now.profile.get(key)!r}"
                )
        missing = {group for group in figures.groups(one) if not figures.is_warm_up(group[0])} ^ {
            group for group in figures.groups(now) if not figures.is_warm_up(group[0])
        }
        found += [
            f"{series} of {model} is in one of this run and baseline {number} alone"
            for series, model in sorted(missing)
        ]
    return found


def _level(rows: Sequence[Row], name: str, scheduled: bool) -> _Level | None:
    """Of the run in blocks of time: what lasts for a while, such as a busy neighbour, is seen in how they differ (a sample of clusters)."""
    pairs = [
        (row.started, math.log(values[0]))
        for row in rows
        if (values := figures.times([row], name, scheduled)) and values[0] > 0
    ]
    if len(pairs) < 2:
        return None
    begin, end = min(row.started for row in rows), max(row.ended for row in rows)
    seconds, n = end - begin, len(pairs)
    middle = math.fsum(value for _at, value in pairs) / n
    sums: dict[int, float] = {}
    for at, value in pairs:
        block = min(BLOCKS - 1, int((at - begin) / seconds * BLOCKS)) if seconds > 0 else 0
        sums[block] = sums.get(block, 0.0) + value - middle
    m = len(sums)
    if m < FEWEST_BLOCKS:
        return _Level(
            middle, math.inf, 1.0, n, seconds, f"there are requests in {m} of at least {FEWEST_BLOCKS} blocks of time"
        )
    variance = math.fsum(total**2 for total in sums.values()) * m / (m - 1) / n**2
    return _Level(middle, variance, m - 1, n, seconds)


def between_runs(seconds: float) -> float:
    return max(BETWEEN_RUNS, BETWEEN_SHORT_RUNS / math.sqrt(max(seconds, 1.0)))


def _times(
    series: str,
    model: str,
    name: str,
    rows: Sequence[Row],
    others: Sequence[Sequence[Row]],
    scheduled: tuple[bool, bool],
    alpha: float,
) -> Compared | None:
    now = _level(rows, name, scheduled[0])
    before = [level for other in others if (level := _level(other, name, scheduled[1])) is not None]
    if now is None or not before:
        return None
    k = len(before)
    middle = math.fsum(level.value for level in before) / k
    shortest = min(level.seconds for level in [now, *before])
    among = max(between_runs(shortest), deviation([level.value for level in before]) if k >= FEWEST_TO_LEARN else 0.0)
    parts = [(now.variance, now.freedom), *((level.variance / k**2, level.freedom) for level in before)]
    total = math.fsum(variance for variance, _freedom in parts) + among**2 * (1 + 1 / k)
    step = now.value - middle

    def told(verdict: str, words: str, low: float | None = None, high: float | None = None) -> Compared:
        return Compared(
            series,
            model,
            name,
            verdict,
            math.exp(step),
            low,
            high,
            math.exp(middle),
            math.exp(now.value),
            sum(level.n for level in before),
            now.n,
            words,
        )

    if why := next((level.why for level in [now, *before] if level.why), ""):
        return told(UNKNOWN, why)
    # Welch and Satterthwaite; the part that is assumed has no bound of its own.
    inside = math.fsum(variance**2 / freedom for variance, freedom in parts)
    quantile = (
        t_quantile(1 - alpha / 2, total**2 / inside)
        if inside > 0 and total**2 / inside < 1e6
        else normal_quantile(1 - alpha / 2)
    )
    half = quantile * math.sqrt(total)
    low, high = math.exp(step - half), math.exp(step + half)
    if shortest < SHORTEST_SECONDS and low < PLAIN and high > 1 / PLAIN:
        return told(
            UNKNOWN,
            f"one of the runs took {shortest:.1f} of at least {SHORTEST_SECONDS} seconds, and the difference is not surely larger than half as much again",
            low,
            high,
        )
    if low > 1:
        return told(SLOWER, f"surely at least {low - 1:.0%} longer", low, high)
    if high < 1:
        return told(FASTER, f"surely at least {1 - high:.0%} shorter", low, high)
    if math.exp(half) <= SEEN:
        return told(SAME, f"a difference of {math.exp(half) - 1:.0%} would have been seen", low, high)
    return told(
        UNKNOWN,
        f"only a difference of {math.exp(half) - 1:.0%} would have been seen: let both runs take longer",
        low,
        high,
    )


def _failures(series: str, model: str, rows: Sequence[Row], others: Sequence[Sequence[Row]], alpha: float) -> Compared:
    """The difference of the shares that failed (Newcombe 1998, method 10: of two intervals by Wilson)."""

    def counts(of: Sequence[Row]) -> tuple[int, int]:
        return sum(row.failed for row in of), sum(row.failed or row.succeeded for row in of)

    (failed, n), earlier = counts(rows), [counts(other) for other in others]
    failed_before, n_before = sum(one for one, _all in earlier), sum(every for _one, every in earlier)
    if not n or not n_before:
        words = "all requests of one of the runs were interrupted"
        return Compared(series, model, "failures", UNKNOWN, None, None, None, None, None, n_before, n, words)
    here, there = failed / n, failed_before / n_before
    (low, high), (low_before, high_before) = _wilson(failed, n, alpha), _wilson(failed_before, n_before, alpha)
    lower = here - there - math.hypot(here - low, high_before - there)
    upper = here - there + math.hypot(high - here, there - low_before)
    if lower > 0:
        verdict, words = SLOWER, f"{failed} of {n} failed, and {failed_before} of {n_before} before"
    elif upper < 0:
        verdict, words = FASTER, f"{failed} of {n} failed, and {failed_before} of {n_before} before"
    else:
        verdict, words = (
            SAME,
            f"{failed} of {n} failed, and {failed_before} of {n_before} before; {upper:.1%} more would be possible",
        )
    return Compared(series, model, "failures", verdict, here - there, lower, upper, there, here, n_before, n, words)


def _wilson(count: int, n: int, alpha: float) -> tuple[float, float]:
    z = normal_quantile(1 - alpha / 2)
    middle, half = count + z * z / 2, z * math.sqrt(count * (n - count) / n + z * z / 4)
    return max(0.0, (middle - half) / (n + z * z)), min(1.0, (middle + half) / (n + z * z))


def overall(compared: Sequence[Compared]) -> str:
    verdicts = [one.verdict for one in compared]
    for verdict in (SLOWER, UNKNOWN, FASTER):
        if verdict in verdicts:
            return verdict
    return SAME if verdicts else UNKNOWN
