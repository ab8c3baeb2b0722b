# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all keys are served alike, by the index of Jain, Chiu and Hawe (1984) of how fast each one's answers come."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures, intervals
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, Row

SEED = 1984
DRAWS = 1000
FEWEST = 10


def index(values: Sequence[float]) -> float:
    """1 where all get the same; 1/n where one gets all."""
    squares = math.fsum(value * value for value in values)
    return math.fsum(values) ** 2 / (len(values) * squares) if squares else 1.0


def fairness(measured: Measured) -> dict[str, Any]:
    keys: dict[str, list[Row]] = {}
    for row in measured.rows:
        if not figures.is_warm_up(row.series):
            keys.setdefault(row.key, []).append(row)
    told = {
        key: {
            "requests": figures.counted(rows),
            "ttft": figures.figure(figures.times(rows, "ttft", measured.open)),
            "tokens_out": sum(row.tokens_out or 0 for row in rows if row.succeeded),
            "speed": intervals.mean(_speeds(rows, measured.open)).told(),
        }
        for key, rows in sorted(keys.items())
    }
    return {"keys": told, **_index({key: _speeds(rows, measured.open) for key, rows in sorted(keys.items())})}


def _speeds(rows: Sequence[Row], scheduled: bool) -> list[float]:
    """Tokens a second of each answer, its waiting in it: what a key gets, however much it asks for."""
    return [
        row.tokens_out / seconds
        for row in rows
        if row.succeeded and row.tokens_out and (seconds := row.ended - figures.origin(row, scheduled)) > 0
    ]


def _index(speeds: dict[str, list[float]]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"index": None, "low": None, "high": None}
    if len(speeds) < 2:
        return {**nothing, "words": "all requests had one key, so there is nobody to compare it with"}
    few = [key for key, values in speeds.items() if len(values) < FEWEST]
    if few:
        return {**nothing, "words": f"{', '.join(few)} had fewer than {FEWEST} answers that told their tokens"}
    means = [math.fsum(values) / len(values) for values in speeds.values()]
    errors = [intervals.deviation(values) / math.sqrt(intervals.effective_size(values)) for values in speeds.values()]
    value = index(means)
    # The parametric bootstrap (Efron and Tibshirani 1993, section 6.5), and its basic interval (Davison and Hinkley 1997, section 5.2): chance alone makes the
    # index of equal keys less than 1, and this one takes that off again.
    chance = random.Random(SEED)
    drawn = sorted(
        index([max(0.0, chance.gauss(mean, error)) for mean, error in zip(means, errors, strict=True)])
        for _draw in range(DRAWS)
    )
    low = 2 * value - intervals.quantile_of(drawn, 1 - intervals.ALPHA / 2)
    high = 2 * value - intervals.quantile_of(drawn, intervals.ALPHA / 2)
    least = 1 / len(means)
    words = f"{len(means)} keys; the slowest was served {min(means) / max(means):.0%} as fast as the fastest"
    return {"index": value, "low": max(least, low), "high": min(1.0, high), "words": words}
