# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Means, percentiles and shares, each with the interval that its truth is in with 95 % confidence, or with the reason why there is none.

docs/measuring_figures.md has the formulas with their sources.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure.numbers import (
    beta_quantile,
    binomial_rank,
    t_quantile,
)

ALPHA = 0.05
# So many observations have to lie beyond a percentile on either side. Of ten the true number is between 4.8 and 18.4 (Garwood 1936),
# that is half and twice: with fewer, a 95th percentile may as well be a 90th.
BEYOND = 10
FEWEST_FOR_SKEWNESS = 20
FEWEST_FOR_MEAN = 3
LONGEST_SERIES = 4000

LOG_T = "t on a logarithmic scale (delta method)"
SKEWED_T = "t, corrected for skewness (Hall 1992)"
CONSTANT = "all values are the same"
ORDER = "order statistics (binomial)"
CLOPPER_PEARSON = "Clopper-Pearson 1934"
KORN_GRAUBARD = "Korn-Graubard 1998"


@dataclass(frozen=True)
class Estimate:
    """What is known of a value. Without an interval `why` says why there is none; without a value, why it is not told at all."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    why: str = ""

    def told(self) -> dict[str, Any]:
        return asdict(self)


def effective_size(values: Sequence[float]) -> float:
    """How many independent values these, in their order of time, are worth: n / (1 + 2 Σ r), the sum ended as Geyer (1992) ends it: by the
    first pair of neighbours that is not positive. Never more than there are."""
    n = len(values)
    if n > LONGEST_SERIES:
        # Of means of neighbours the same is found in a moment.
        width = math.ceil(n / (LONGEST_SERIES / 2))
        batches = [math.fsum(values[at : at + width]) / width for at in range(0, n - width + 1, width)]
        between = deviation(batches) ** 2
        return (
            max(1.0, min(float(n), deviation(values) ** 2 * effective_size(batches) / between)) if between else float(n)
        )
    if n < 4:
        return float(n)
    middle = math.fsum(values) / n
    apart = [value - middle for value in values]
    variance = math.fsum(value * value for value in apart)
    if variance <= 0.0:
        return float(n)

    def correlation(lag: int) -> float:
        return sum(one * other for one, other in zip(apart, apart[lag:], strict=False)) / variance

    # A correlation that pure chance gives as often as not is none: without this bound every short run would lose a part of its size.
    if correlation(1) < 2.0 / math.sqrt(n):
        return float(n)
    total, lag = 0.0, 1
    while lag + 1 < n // 2:
        pair = correlation(lag) + correlation(lag + 1)
        if pair <= 0.0:
            break
        total += pair
        lag += 2
    return max(1.0, min(float(n), n / (1.0 + 2.0 * total)))


def deviation(values: Sequence[float]) -> float:
    n = len(values)
    if n < 2:
        return 0.0
    middle = math.fsum(values) / n
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (n - 1))


def mean(values: Sequence[float], size: float | None = None) -> Estimate:
    """Of values that cannot be negative. `size` is how many independent ones they are worth."""
    n = len(values)
    if not n:
        return Estimate(None, why="there is no value")
    middle = math.fsum(values) / n
    if n < FEWEST_FOR_MEAN:
        return Estimate(middle, why=f"{n} of at least {FEWEST_FOR_MEAN} values")
    # Rounding is not a difference.
    if max(values) - min(values) <= 1e-12 * max(abs(middle), 1.0):
        return Estimate(middle, middle, middle, CONSTANT)
    if min(values) < 0:
        return Estimate(middle, why="a value is negative")
    worth = effective_size(values) if size is None else size
    if worth < FEWEST_FOR_MEAN:
        return Estimate(middle, why="the values hang together so much that they are worth less than three")
    spread = deviation(values)
    quantile = t_quantile(1 - ALPHA / 2, worth - 1)
    if worth < FEWEST_FOR_SKEWNESS:
        part = quantile * spread / middle / math.sqrt(worth)
        return Estimate(middle, middle * math.exp(-part), middle * math.exp(part), LOG_T)
    population = math.sqrt(math.fsum((value - middle) ** 2 for value in values) / n)
    skewness = math.fsum(((value - middle) / population) ** 3 for value in values) / n
    # Cochran 1977, page 42: below this, intervals for means miss more often than they say.
    needed = 25 * skewness**2
    if worth < needed:
        return Estimate(
            middle, why=f"a few values decide it (skewness {skewness:.1f}: {math.ceil(needed)} would be needed)"
        )
    step = spread / math.sqrt(worth)
    low = middle - step * _without_skewness(quantile, skewness, worth)
    high = middle - step * _without_skewness(-quantile, skewness, worth)
    return Estimate(middle, max(low, 0.0), high, SKEWED_T)


def _without_skewness(t: float, skewness: float, n: float) -> float:
    """Hall's cubic transformation of a studentized mean, backwards."""
    if abs(skewness) < 1e-6:
        return t
    inner = 1.0 + skewness * (t / math.sqrt(n) - skewness / (6.0 * n))
    return 3.0 * math.sqrt(n) / skewness * (math.copysign(abs(inner) ** (1.0 / 3.0), inner) - 1.0)


def quantile_of(ordered: Sequence[float], share: float) -> float:
    """Type 8 of Hyndman and Fan (1996), which they recommend: the median is unbiased whatever the distribution."""
    n = len(ordered)
    place = (n + 1.0 / 3.0) * share + 1.0 / 3.0
    below = min(max(int(place), 1), n)
    above = min(below + 1, n)
    return ordered[below - 1] + (place - int(place)) * (ordered[above - 1] - ordered[below - 1])


def fewest_for(percent: float) -> int:
    share = percent / 100
    return math.ceil(round(BEYOND / min(share, 1 - share), 6))


def percentile(ordered: Sequence[float], percent: float, size: float | None = None) -> Estimate:
    """Of values in their order. Its interval is between two of them, whose ranks are quantiles of the binomial distribution (David and Nagaraja
    2003, section 7.1); where they are worth fewer than they are, between those at the same shares (Woodruff 1952)."""
    n, share = len(ordered), percent / 100
    worth = min(n, math.floor((n if size is None else size) + 1e-9))
    if worth < fewest_for(percent):
        there = f"{n}" if worth == n else f"{n}, which are worth {worth},"
        return Estimate(None, why=f"{there} of at least {fewest_for(percent)} values")
    # P(x_(low) <= truth) and P(truth <= x_(high)) are each at least 1 - alpha / 2.
    low = binomial_rank(ALPHA / 2, worth, share)
    high = binomial_rank(1 - ALPHA / 2, worth, share) + 1
    below = max(1, math.floor(low / worth * n))
    above = min(n, math.ceil(high / worth * n))
    return Estimate(quantile_of(ordered, share), ordered[below - 1], ordered[above - 1], ORDER)


def share(count: float, n: float, alpha: float = ALPHA, method: str = CLOPPER_PEARSON) -> Estimate:
    """The chance of what happened `count` times of `n`. Exact, so at least as often right as it says; the numbers need not be whole."""
    if n <= 0:
        return Estimate(None, why="there is no value")
    low = 0.0 if count <= 0 else beta_quantile(alpha / 2, count, n - count + 1)
    high = 1.0 if count >= n else beta_quantile(1 - alpha / 2, count + 1, n - count)
    return Estimate(count / n, low, high, method)


def effective_in_groups(groups: Sequence[tuple[int, int]]) -> float:
    """How many independent values those of groups are worth, each (how many of it happened, its size): n over the design effect of a ratio
    (Korn and Graubard 1998). Where nothing differs, nothing is known of it: then a group counts once."""
    told = [(count, size) for count, size in groups if size]
    n = sum(size for _count, size in told)
    happened = sum(count for count, _size in told)
    if len(told) < 2:
        return float(len(told))
    chance = happened / n
    if chance in (0.0, 1.0):
        return float(len(told))
    between = math.fsum((count - chance * size) ** 2 for count, size in told) * len(told) / (len(told) - 1) / n**2
    return max(1.0, min(float(n), chance * (1 - chance) / between)) if between else float(n)


def share_in_groups(groups: Sequence[tuple[int, int]], alpha: float = ALPHA) -> Estimate:
    n = sum(size for _count, size in groups)
    if not n:
        return Estimate(None, why="there is no value")
    worth = effective_in_groups(groups)
    return share(sum(count for count, _size in groups) / n * worth, worth, alpha, KORN_GRAUBARD)


def rate(blocks: Sequence[float]) -> Estimate:
    """Of what was counted in blocks of time of one length (batch means, Law 2015, section 9.5): never negative, for it is a rate."""
    if len(blocks) < FEWEST_FOR_MEAN:
        return Estimate(
            math.fsum(blocks) / len(blocks) if blocks else None, why="the run was too short for blocks of time"
        )
    middle = math.fsum(blocks) / len(blocks)
    if middle <= 0.0:
        return Estimate(middle, why="nothing was counted")
    part = t_quantile(1 - ALPHA / 2, len(blocks) - 1) * deviation(blocks) / middle / math.sqrt(len(blocks))
    return Estimate(middle, middle * math.exp(-part), middle * math.exp(part), "batch means, t on a logarithmic scale")
