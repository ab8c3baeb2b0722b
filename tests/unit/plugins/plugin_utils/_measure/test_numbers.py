# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantiles as tables have them."""

from __future__ import annotations

import math

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.numbers import (
    beta_cdf,
    beta_quantile,
    binomial_rank,
    t_quantile,
)


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [
        (0.975, 1, 12.7062),
        (0.975, 3, 3.1824),
        (0.975, 10, 2.2281),
        (0.95, 30, 1.6973),
        (0.995, 120, 2.6174),
        (0.025, 10, -2.2281),
    ],
)
def test_students_t(share: float, freedom: float, value: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (100, 0.9), (1000, 0.95)])
def test_ranks_are_those_of_the_binomial_distribution(n: int, p: float) -> None:
    chances = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    for share in (0.025, 0.5, 0.975):
        rank = binomial_rank(share, n, p)
        assert math.fsum(chances[: rank + 1]) >= share > math.fsum(chances[:rank])


def test_beta_is_its_own_inverse() -> None:
    for share in (0.01, 0.5, 0.99):
        for a, b in ((1.0, 59.0), (7.5, 2.25), (2000.0, 100.0)):
            assert beta_cdf(beta_quantile(share, a, b), a, b) == pytest.approx(share, abs=1e-9)
