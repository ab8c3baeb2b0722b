# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One word for a run, and the sentences that it comes of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import comparison, figures, sla
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.comparison import Compared
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.sla import BROKEN, HOLDS, UNKNOWN, Judged

SLOWER = comparison.SLOWER
# For a program that waits for it.
EXIT = {HOLDS: 0, BROKEN: 1, SLOWER: 1, UNKNOWN: 2}


def verdict(
    measured: Measured,
    judged: Sequence[Judged],
    compared: Sequence[Compared],
    *,
    limited: bool,
    baseline: bool,
    differences: Sequence[str] = (),
) -> tuple[str, list[str]]:
    """The worst of all that was judged, and why."""
    rows = [row for row in measured.rows if not figures.is_warm_up(row.series)]
    asked = [row for row in rows if row.succeeded or row.failed]
    if not asked:
        return UNKNOWN, ["No request was recorded that had an answer or failed, so nothing can be told."]
    if not any(row.succeeded for row in asked):
        kinds = Counter(row.error for row in asked)
        first = next((row.message for row in asked if row.message), "")
        told = ", ".join(f"{kind} {count} times" for kind, count in sorted(kinds.items()))
        return BROKEN, [f"All {len(asked)} requests failed: {told}." + (f" The first said: {first}" if first else "")]
    words, reasons = HOLDS, []
    if limited:
        words = sla.overall(judged) if judged else UNKNOWN
        first_levels = {model: min(told["levels"]) for model, told in sla.largest_concurrency(judged).items()}
        for model, found in sla.largest_concurrency(judged).items():
            reasons.append(_sweep(model, found["holds"], found["breaks"]))
        for one in judged:
            counts = sla.level(one.series) in (None, first_levels.get(one.model))
            if one.verdict != HOLDS and counts:
                said = "is broken" if one.verdict == BROKEN else "may hold or not"
                part = f" in {one.series}" if one.series else ""
                reasons.append(f"{one.rule} {one.limit:g} of {one.model}{part} {said}: {one.words}.")
    if baseline:
        again = comparison.overall(compared)
        if differences:
            # What was asked differs, so that nothing follows from how long it took.
            reasons += [f"The runs cannot be compared: {difference}." for difference in differences]
            again = UNKNOWN
        elif not compared:
            reasons.append("The baseline has no part and model in common with this run.")
        for pair in compared:
            if not differences and pair.verdict in (SLOWER, comparison.UNKNOWN):
                reasons.append(f"{pair.figure} of {pair.model} in {pair.series}: {said_of(pair)}.")
        if words != BROKEN:
            words = SLOWER if again == SLOWER else UNKNOWN if UNKNOWN in (again, words) else words
    if not limited and not baseline:
        reasons.append("No limit and no baseline were given, so nothing was judged.")
    if words == HOLDS and not reasons:
        reasons.append("All limits hold." if limited else "Nothing is slower than before.")
    return words, reasons


def said_of(one: Compared) -> str:
    if one.effect is None or one.figure == "failures":
        return f"{one.verdict}: {one.words}"
    interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{one.verdict}: {one.effect:.2f} times as long as before{interval}, {one.words}"


def _sweep(model: str, holds: int | None, breaks: int | None) -> str:
    broken = "" if breaks is None else f" {breaks} surely break them."
    if holds is None:
        return f"{model}: no number of requests at a time surely keeps the limits.{broken}"
    return f"{model}: up to {holds} requests at a time keep the limits.{broken}"
