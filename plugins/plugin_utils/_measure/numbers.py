# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The distributions that intervals are made of, by the standard library alone.

The regularized incomplete beta function is a continued fraction, evaluated by Lentz's method (Press et al., Numerical Recipes, section 6.4);
Student's t and the binomial are that function in other words (Abramowitz and Stegun, 26.5.24 and 26.7.1). Quantiles are found by halving.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300


def normal_quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, 100_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + step * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + step / c
            c = c if abs(c) > _TINY else _TINY
            value *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return value


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


@lru_cache(maxsize=4096)
def beta_quantile(share: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _step in range(60):
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: float) -> float:
    """Of Student's t, for any number of degrees of freedom above zero."""
    if share < 0.5:
        return -t_quantile(1.0 - share, freedom)
    low, high = 0.0, 1.0
    while _t_cdf(high, freedom) < share and high < 1e12:
        high *= 2
    for _step in range(80):
        middle = (low + high) / 2
        if _t_cdf(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_cdf(t: float, freedom: float) -> float:
    return 1.0 - 0.5 * beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5)


@lru_cache(maxsize=4096)
def binomial_rank(share: float, n: int, p: float) -> int:
    """The smallest k with P(X <= k) >= share, of X out of n with the chance p."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        # P(X <= k) = I_{1-p}(n - k, k + 1)
        if middle >= n or beta_cdf(1.0 - p, n - middle, middle + 1) >= share:
            high = middle
        else:
            low = middle + 1
    return low
