# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of each part of a run and model. Of requests that failed there are numbers alone: no figure has them in it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import intervals
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.intervals import Estimate
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.numbers import t_quantile
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import INTERRUPTED, Measured, Row

PERCENTS = (50, 90, 95, 99)
SHORTEST_SECONDS = 10
BLOCKS = 20
Group = tuple[str, str]
# What each figure is, in words and in seconds or per second.
NAMES = {
    "ttft": "Time to first token",
    "latency": "Time to the last token",
    "wait": "Wait before it was sent",
    "service": "From sending to the last token",
    "queue": "Wait in the gateway's queue",
    "itl": "Between two pieces",
    "time_per_token": "Time per token after the first",
    "generation": "Tokens generated a second, of one request",
    "prompt": "Tokens of the prompt evaluated a second",
}
RATES = ("generation", "prompt")


def groups(measured: Measured) -> dict[Group, list[Row]]:
    """By part of the run and model, in the order of time."""
    found: dict[Group, list[Row]] = {}
    for row in measured.rows:
        found.setdefault((row.series, row.model), []).append(row)
    return found


def is_warm_up(series: str) -> bool:
    return re.sub("[-_ ]", "", series).lower() == "warmup"


def origin(row: Row, scheduled: bool) -> float:
    """Where a user's waiting begins. By a schedule that is when it was due: a client that is kept waiting by the request before would hide it."""
    return row.scheduled if scheduled else row.started


def times(rows: Sequence[Row], name: str, scheduled: bool) -> list[float]:
    """The values of a figure, of those that succeeded, in the order of time."""
    value = _VALUES[name]
    # What a subtraction leaves beyond a tenth of a microsecond is no difference of times.
    return [
        round(told, 7) for row in rows if row.succeeded and (told := value(row, origin(row, scheduled))) is not None
    ]


def _time_per_token(row: Row) -> float | None:
    if row.first is None or (row.tokens_out or 0) < 2 or row.ended <= row.first:
        return None
    return (row.ended - row.first) / (int(row.tokens_out or 0) - 1)


def _generation(row: Row) -> float | None:
    told = _time_per_token(row)
    return 1 / told if told else None


def _prompt(row: Row) -> float | None:
    """Of what was evaluated alone: what comes from the cache costs no time, and would make any engine look fast."""
    if row.first is None or row.tokens_in is None or row.tokens_cached is None:
        return None
    seconds, evaluated = row.first - row.started - (row.queue or 0.0), row.tokens_in - row.tokens_cached
    return evaluated / seconds if seconds > 0 and evaluated > 0 else None


_VALUES: dict[str, Callable[[Row, float], float | None]] = {
    "ttft": lambda row, begin: None if row.first is None else row.first - begin,
    "latency": lambda row, begin: row.ended - begin,
    "wait": lambda row, _begin: row.started - row.scheduled,
    "service": lambda row, _begin: row.ended - row.started,
    "queue": lambda row, _begin: row.queue,
    "time_per_token": lambda row, _begin: _time_per_token(row),
    "generation": lambda row, _begin: _generation(row),
    "prompt": lambda row, _begin: _prompt(row),
}


def figure(values: Sequence[float]) -> dict[str, Any]:
    """All that is said of values in the order of time."""
    ordered = sorted(values)
    spread, average = intervals.deviation(values), intervals.mean(values)
    return {
        "n": len(values),
        "worth": round(intervals.effective_size(values), 1),
        "mean": average.told(),
        "sd": spread if len(values) > 1 else None,
        "cov": spread / average.value if len(values) > 1 and average.value else None,
        "min": ordered[0] if ordered else None,
        "max": ordered[-1] if ordered else None,
        "percentiles": {str(percent): percentile(values, ordered, percent).told() for percent in PERCENTS},
    }


def percentile(values: Sequence[float], ordered: Sequence[float], percent: float) -> Estimate:
    """Slow answers come in a row, where a server stalls: what they are worth is seen in whether each is beyond the percentile."""
    if len(values) < intervals.fewest_for(percent):
        return intervals.percentile(ordered, percent)
    bound = intervals.quantile_of(ordered, percent / 100)
    return intervals.percentile(ordered, percent, intervals.effective_size([float(value > bound) for value in values]))


def gaps_figure(rows: Sequence[Row]) -> dict[str, Any]:
    """Of the pauses within answers. Those of one answer hang together, so what they are worth is known from how answers differ."""
    each = [row.gaps for row in rows if row.succeeded and row.gaps]
    values = [gap for gaps in each for gap in gaps]
    ordered = sorted(values)
    percentiles = {}
    for percent in PERCENTS:
        if len(values) >= intervals.fewest_for(percent):
            bound = intervals.quantile_of(ordered, percent / 100)
            worth = intervals.effective_in_groups([(sum(gap > bound for gap in gaps), len(gaps)) for gaps in each])
            percentiles[str(percent)] = intervals.percentile(ordered, percent, worth).told()
        else:
            percentiles[str(percent)] = intervals.percentile(ordered, percent).told()
    average = _mean_of_groups(each, values)
    spread = intervals.deviation(values)
    return {
        "n": len(values),
        "worth": len(each),
        "mean": average.told(),
        "sd": spread if len(values) > 1 else None,
        "cov": spread / average.value if len(values) > 1 and average.value else None,
        "min": ordered[0] if ordered else None,
        "max": ordered[-1] if ordered else None,
        "percentiles": percentiles,
    }


def _mean_of_groups(each: Sequence[Sequence[float]], values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(None, why="there is no value")
    middle = math.fsum(values) / len(values)
    if not middle:
        return Estimate(middle, why="all values are 0")
    if len(each) < intervals.FEWEST_FOR_MEAN:
        return Estimate(middle, why=f"{len(each)} of at least {intervals.FEWEST_FOR_MEAN} answers")
    m, n = len(each), len(values)
    # The variance of a ratio of sums (Cochran 1977, section 6.3), with answers as what is drawn.
    step = math.sqrt(math.fsum((math.fsum(gaps) - middle * len(gaps)) ** 2 for gaps in each) * m / (m - 1)) / n
    part = t_quantile(1 - intervals.ALPHA / 2, m - 1) * step / middle
    return Estimate(
        middle, middle * math.exp(-part), middle * math.exp(part), "ratio of sums over answers, " + intervals.LOG_T
    )


def counted(rows: Sequence[Row]) -> dict[str, Any]:
    """How many there were of each kind, and the share that failed."""
    failures = Counter(row.error for row in rows if row.failed)
    judged = [row for row in rows if row.error != INTERRUPTED]
    return {
        "n": len(rows),
        "succeeded": sum(row.succeeded for row in rows),
        "failed": dict(sorted(failures.items())),
        "interrupted": len(rows) - len(judged),
        "retried": sum(row.retries > 0 for row in rows),
        "error_rate": intervals.share(sum(failures.values()), len(judged)).told(),
    }


def tokens(rows: Sequence[Row]) -> dict[str, Any]:
    """What the answers say of their tokens. Cached ones stand apart: they were not evaluated."""
    told = [row for row in rows if row.succeeded and row.tokens_in is not None]
    known = [row for row in told if row.tokens_cached is not None]
    cached = sum(row.tokens_cached or 0 for row in known)
    of_known = sum(row.tokens_in or 0 for row in known)
    out = [float(row.tokens_out) for row in rows if row.succeeded and row.tokens_out is not None]
    return {
        "in": {"n": len(told), "sum": sum(row.tokens_in or 0 for row in told)},
        "cached": {"n": len(known), "sum": cached, "share": cached / of_known if of_known else None},
        "evaluated": {"n": len(known), "sum": of_known - cached},
        "out": {"n": len(out), "sum": int(sum(out)), "mean": intervals.mean(out).told()},
        "finish": dict(sorted(Counter(row.finish or "not told" for row in rows if row.succeeded).items())),
    }


def throughput(rows: Sequence[Row]) -> dict[str, Any]:
    """Of the whole: requests and tokens a second, from the first that was sent to the last that ended, in blocks of time."""
    if not rows:
        return {"seconds": 0.0}
    begin, end = min(row.started for row in rows), max(row.ended for row in rows)
    seconds = end - begin
    done = [row for row in rows if row.succeeded]
    result: dict[str, Any] = {
        "seconds": seconds,
        "in_flight": math.fsum(row.ended - row.started for row in rows) / seconds if seconds > 0 else None,
    }
    if seconds <= 0:
        return result
    if seconds < SHORTEST_SECONDS:
        why = f"the run took {seconds:.1f} of at least {SHORTEST_SECONDS} seconds"
        requests = Estimate(len(done) / seconds, why=why)
        generated = Estimate(sum(row.tokens_out or 0 for row in done) / seconds, why=why)
    else:
        width = seconds / BLOCKS
        requests = intervals.rate(_in_blocks([(row.ended, row.ended, 1.0) for row in done], begin, width))
        generated = intervals.rate(
            _in_blocks(
                [
                    (row.started if row.first is None else row.first, row.ended, float(row.tokens_out or 0))
                    for row in done
                ],
                begin,
                width,
            )
        )
    return {**result, "requests": requests.told(), "tokens": generated.told()}


def _in_blocks(spans: Sequence[tuple[float, float, float]], begin: float, width: float) -> list[float]:
    """A second, in each block: what came in a span of time came evenly."""
    blocks = [0.0] * BLOCKS

    def block(at: float) -> int:
        return min(max(int((at - begin) / width), 0), BLOCKS - 1)

    for since, until, amount in spans:
        first, last = block(since), block(until)
        if first == last:
            blocks[first] += amount / width
            continue
        for place in range(first, last + 1):
            inside = min(until, begin + (place + 1) * width) - max(since, begin + place * width)
            blocks[place] += amount * max(inside, 0.0) / (until - since) / width
    return blocks


def of_group(rows: Sequence[Row], scheduled: bool) -> dict[str, Any]:
    names = [name for name in NAMES if name != "itl" and (scheduled or name not in ("wait", "service"))]
    found = {name: figure(times(rows, name, scheduled)) for name in names}
    found["itl"] = gaps_figure(rows)
    return {
        "requests": counted(rows),
        "figures": {name: found[name] for name in NAMES if name in found and found[name]["n"]},
        "throughput": throughput(rows),
        "tokens": tokens(rows),
    }


def all_figures(measured: Measured) -> list[dict[str, Any]]:
    return [
        {"series": series, "model": model, "warm_up": is_warm_up(series), **of_group(rows, measured.open)}
        for (series, model), rows in groups(measured).items()
    ]


def of_traces(measured: Measured) -> dict[str, Any]:
    """Of each host and GPU: how busy it was, and how much of its memory was used."""
    hosts: dict[str, dict[str, list[float]]] = {}

    def add(host: str, name: str, value: Any) -> None:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            hosts.setdefault(host, {}).setdefault(name, []).append(float(value))

    for trace in measured.traces:
        host = str(trace.get("host", ""))
        add(host, "cpu", trace.get("cpu"))
        add(host, "memory", _part(trace.get("memory_used"), trace.get("memory_total")))
        for gpu in trace.get("gpus") or []:
            name = f"gpu {gpu.get('index')}"
            add(host, f"{name} used", gpu.get("used"))
            add(host, f"{name} memory", _part(gpu.get("memory_used"), gpu.get("memory_total")))
            add(host, f"{name} power", gpu.get("power"))
            add(host, f"{name} temperature", gpu.get("temperature"))
    return {
        host: {
            name: {
                "n": len(values),
                "mean": intervals.mean(values).told(),
                "sd": intervals.deviation(values),
                "max": max(values),
            }
            for name, values in sorted(named.items())
        }
        for host, named in sorted(hosts.items())
    }


def _part(used: Any, total: Any) -> float | None:
    known = all(isinstance(value, (int, float)) and math.isfinite(value) for value in (used, total))
    return used / total if known and total > 0 else None


def of_engines(engines: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """How much each counter of an engine has grown. One that has fallen says that the engine was started again, and is told as null."""
    before, after = engines.get("before") or {}, engines.get("after") or {}
    found: dict[str, dict[str, float | None]] = {}
    for instance in sorted(set(before) & set(after)):
        for series in sorted(set(before[instance] or {}) & set(after[instance] or {})):
            if series.split("{")[0].endswith(("_total", "_sum", "_count")):
                grown = after[instance][series] - before[instance][series]
                found.setdefault(instance, {})[series] = grown if grown >= 0 else None
    return found
