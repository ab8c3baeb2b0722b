# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anything grows while a run lasts: latency, and memory of hosts and GPUs.

The slope is that of Theil (1950) and Sen (1968), over the medians of blocks of time, with Sen's interval: no single slow answer moves it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.numbers import normal_quantile
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured

BLOCKS = 20
FEWEST_BLOCKS = 10
# Before that, warming up looks like drift.
SHORTEST_SECONDS = 600
# What is told: more than this in the whole run, as a share of what it is like in the middle.
LATENCY, MEMORY = 0.05, 0.01
GROWS, FALLS, STAYS, UNKNOWN = "grows", "falls", "stays", "cannot tell"


def drift(measured: Measured) -> list[dict[str, Any]]:
    found = []
    for (series, model), rows in figures.groups(measured).items():
        if figures.is_warm_up(series):
            continue
        for name in ("ttft", "latency"):
            points = [(row.started, values[0]) for row in rows if (values := figures.times([row], name, measured.open))]
            if points:
                found.append({"what": f"{name}, {series}, {model}", "unit": "s", **_trend(points, LATENCY)})
    memory: dict[str, list[tuple[float, float]]] = {}
    for trace in measured.traces:
        host = str(trace.get("host", ""))
        places = [(f"memory of {host}", trace.get("memory_used"))]
        places += [
            (f"memory of GPU {gpu.get('index')} of {host}", gpu.get("memory_used")) for gpu in trace.get("gpus") or []
        ]
        for what, used in places:
            if isinstance(used, (int, float)) and math.isfinite(used):
                memory.setdefault(what, []).append((float(trace["at"]), float(used)))
    return found + [{"what": what, "unit": "B", **_trend(points, MEMORY)} for what, points in sorted(memory.items())]


def _trend(points: Sequence[tuple[float, float]], large: float) -> dict[str, Any]:
    begin, end = min(at for at, _value in points), max(at for at, _value in points)
    seconds = end - begin
    nothing: dict[str, Any] = {"n": len(points), "seconds": seconds, "change": None, "low": None, "high": None}
    if seconds < SHORTEST_SECONDS:
        why = f"{seconds:.0f} of at least {SHORTEST_SECONDS} seconds"
        return {**nothing, "verdict": UNKNOWN, "words": why}
    blocks: dict[int, list[tuple[float, float]]] = {}
    for at, value in points:
        blocks.setdefault(min(BLOCKS - 1, int((at - begin) / seconds * BLOCKS)), []).append((at, value))
    if len(blocks) < FEWEST_BLOCKS:
        return {
            **nothing,
            "verdict": UNKNOWN,
            "words": f"values in {len(blocks)} of at least {FEWEST_BLOCKS} blocks of time",
        }
    middles = [
        (median(at for at, _value in block), median(value for _at, value in block))
        for _n, block in sorted(blocks.items())
    ]
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for place, earlier in enumerate(middles)
        for later in middles[place + 1 :]
    )
    m, count = len(middles), len(slopes)
    # The variance of Kendall's S where nothing changes.
    half = normal_quantile(0.975) * math.sqrt(m * (m - 1) * (2 * m + 5) / 18)
    low = slopes[max(0, math.floor((count - half) / 2) - 1)] * seconds
    high = slopes[min(count - 1, math.ceil((count + half) / 2))] * seconds
    change, usual = median(slopes) * seconds, median(value for _at, value in middles)
    part = change / usual if usual else 0.0
    verdict = STAYS
    if abs(part) > large and (low > 0 or high < 0):
        verdict = GROWS if low > 0 else FALLS
    words = f"{part:+.1%} in {seconds / 3600:.1f} hours"
    return {**nothing, "change": change, "low": low, "high": high, "verdict": verdict, "words": words}
