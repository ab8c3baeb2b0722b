# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether limits hold: surely, surely not, or it cannot be told.

A limit of a percentile is a limit of a share: "95 % within 500 ms" is kept where surely no more than 5 % took longer. That is known from far fewer
requests than the percentile itself, and nothing has to be known of the distribution.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures, intervals
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, Row

HOLDS, BROKEN, UNKNOWN = "holds", "broken", "cannot tell"
# Each answer is wrong in at most 5 % of runs: one side of an interval of 90 %.
ONE_SIDED = 0.10
_RULE = re.compile(r"^(ttft|itl|latency)_p(50|90|95|99)_ms$")
_SWEEP = re.compile(r"^concurrency (\d+)$")
WORDS = {"ttft": "the first token", "itl": "the next piece", "latency": "the last token"}


@dataclass(frozen=True)
class Judged:
    series: str
    model: str
    rule: str
    limit: float
    verdict: str
    observed: float | None
    low: float | None
    high: float | None
    n: int
    words: str

    def told(self) -> dict[str, Any]:
        return asdict(self)


def limits(sla: Mapping[str, Any], model: str) -> dict[str, float]:
    """Those of a model: what stands beside its name instead of what is for all."""
    own = (sla.get("models") or {}).get(model) or {}
    return {**{name: value for name, value in sla.items() if name != "models"}, **own}


def any_of(sla: Mapping[str, Any]) -> bool:
    """Whether there is a limit at all."""
    return any(name != "models" for name in sla) or any((sla.get("models") or {}).values())


def check(sla: Mapping[str, Any], models: Sequence[str] = ()) -> None:
    """Says what is wrong with limits before anything is judged by them."""
    own = sla.get("models") or {}
    if not isinstance(own, Mapping) or not all(isinstance(value, Mapping) for value in own.values()):
        raise HearthError(
            "sla.models is to be a mapping of models to their limits, such as {chat: {ttft_p95_ms: 500}}."
        )
    for where, named in [("sla", sla), *((f"sla.models.{model}", told) for model, told in own.items())]:
        for name, value in named.items():
            if name == "models" and where == "sla":
                continue
            if name != "error_rate" and not _RULE.match(str(name)):
                raise HearthError(
                    f"{where} has {name!r}, which is no limit: write ttft_p95_ms, itl_p95_ms, latency_p95_ms (or p50, p90, p99) or error_rate."
                )
            number = not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
            if (
                not number
                or value < 0
                or (name == "error_rate" and value >= 1)
                or (name != "error_rate" and value == 0)
            ):
                wanted = "a share from 0 to less than 1" if name == "error_rate" else "a number of milliseconds above 0"
                raise HearthError(f"{where}.{name} is {value!r}: write {wanted}.")
    strange = sorted(set(map(str, own)) - set(models)) if models else []
    if strange:
        raise HearthError(
            f"sla.models names {', '.join(strange)}, which was not asked in this run: write one of {', '.join(sorted(models))}."
        )


def judge(measured: Measured, sla: Mapping[str, Any]) -> list[Judged]:
    found = []
    for (series, model), rows in figures.groups(measured).items():
        if figures.is_warm_up(series):
            continue
        for rule, limit in limits(sla, model).items():
            verdict = _errors if rule == "error_rate" else _percentile
            found.append(verdict(series, model, rule, float(limit), rows, measured.open))
    asked = {row.model for row in measured.rows}
    for model in sorted(set(sla.get("models") or {}) - asked):
        for rule, limit in limits(sla, model).items():
            words = "no request to it was recorded"
            found.append(Judged("", model, rule, float(limit), UNKNOWN, None, None, None, 0, words))
    return found


def _judged(estimate: intervals.Estimate, allowed: float) -> str:
    if estimate.low is not None and estimate.low > allowed:
        return BROKEN
    return HOLDS if estimate.high is not None and estimate.high <= allowed + 1e-12 else UNKNOWN


def _errors(series: str, model: str, rule: str, limit: float, rows: Sequence[Row], _scheduled: bool) -> Judged:
    asked = [row for row in rows if row.succeeded or row.failed]
    failed = sum(row.failed for row in asked)
    worth = intervals.effective_size([float(row.failed) for row in asked])
    estimate = intervals.share(failed / len(asked) * worth if asked else 0, worth, ONE_SIDED)
    if limit == 0 and asked:
        # That nothing ever fails no number of requests can prove: the limit speaks of this run.
        verdict = BROKEN if failed else HOLDS
    else:
        verdict = _judged(estimate, limit)
    words = f"{failed} of {len(asked)} requests failed"
    if verdict == UNKNOWN and not failed:
        words += f"; without a failure {_needed(1 - limit)} would be needed to be sure"
    return Judged(series, model, rule, limit, verdict, estimate.value, estimate.low, estimate.high, len(asked), words)


def _percentile(series: str, model: str, rule: str, limit: float, rows: Sequence[Row], scheduled: bool) -> Judged:
    match = _RULE.match(rule)
    name, kept = (match.group(1), int(match.group(2)) / 100) if match else ("", 0.0)
    if name == "itl":
        each = [row.gaps for row in rows if row.succeeded and row.gaps]
        pairs = [(sum(gap * 1000 > limit for gap in gaps), len(gaps)) for gaps in each]
        over, n = sum(count for count, _size in pairs), sum(size for _count, size in pairs)
        estimate, what = intervals.share_in_groups(pairs, ONE_SIDED), f"pauses in {len(each)} answers"
    else:
        beyond = _beyond(rows, name, limit / 1000, scheduled)
        over, n = sum(beyond), len(beyond)
        worth = intervals.effective_size([float(one) for one in beyond])
        estimate = intervals.share(over / n * worth if n else 0, worth, ONE_SIDED)
        what = "requests"
    verdict = _judged(estimate, 1 - kept)
    words = f"{over} of {n} {what} took longer than {limit:g} ms to {WORDS[name]}"
    if name != "itl" and (failed := sum(row.failed for row in rows)):
        words += f", {failed} of them failed" if over else ""
    if verdict == UNKNOWN and not over:
        words += f"; {_needed(kept)} would be needed to be sure" if name != "itl" else "; of too few answers to be sure"
    return Judged(series, model, rule, limit, verdict, estimate.value, estimate.low, estimate.high, n, words)


def _beyond(rows: Sequence[Row], name: str, limit: float, scheduled: bool) -> list[bool]:
    """Whether each took too long. One that failed never had its token in time, however fast it failed. One that the end of the run has ended counts where it
    had waited longer than that by then; one that was ended sooner says nothing of it."""
    found = []
    value: Callable[[Row], float | None] = (lambda row: row.first) if name == "ttft" else (lambda row: row.ended)
    for row in rows:
        begin = figures.origin(row, scheduled)
        came = value(row)
        in_time = row.succeeded or name == "ttft"
        if came is not None and in_time:
            found.append(came - begin > limit)
        elif row.failed or row.ended - begin > limit:
            found.append(True)
    return found


def _needed(kept: float) -> int:
    """How many have to keep a limit without an exception, so that surely so many of all do: kept ** n <= 5 %."""
    return math.ceil(math.log(ONE_SIDED / 2) / math.log(kept)) if 0 < kept < 1 else 0


def level(series: str) -> int | None:
    match = _SWEEP.match(series)
    return int(match.group(1)) if match else None


def largest_concurrency(judged: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """Of a sweep, by model: the largest number of requests at a time up to which all limits hold, and the first at which one surely does not."""
    levels: dict[str, dict[int, set[str]]] = {}
    for one in judged:
        number = level(one.series)
        if number is not None:
            levels.setdefault(one.model, {}).setdefault(number, set()).add(one.verdict)
    found = {}
    for model, verdicts in levels.items():
        holds: int | None = None
        for number in sorted(verdicts):
            if verdicts[number] != {HOLDS}:
                break
            holds = number
        broken = [number for number in sorted(verdicts) if BROKEN in verdicts[number]]
        found[model] = {"holds": holds, "breaks": broken[0] if broken else None, "levels": sorted(verdicts)}
    return found


def overall(judged: Sequence[Judged]) -> str:
    """Of a sweep a limit is to break at last: there it counts whether the first level holds."""
    first = {model: min(told["levels"]) for model, told in largest_concurrency(judged).items()}
    verdicts = {one.verdict for one in judged if level(one.series) in (None, first.get(one.model))}
    return BROKEN if BROKEN in verdicts else UNKNOWN if UNKNOWN in verdicts else HOLDS
