# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as Markdown, and the table of results in the layout that many shops began with."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures, intervals, words
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, Row

RELIABLE = 0.10


def safe(text: str) -> str:
    """A name that would be markup is a name."""
    return re.sub(r"([\\`*_\[\]|#!])", r"\\\1", html.escape(re.sub(r"\s+", " ", text), quote=False))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(safe, line)) + " |" for line in lines) + "\n"


def report(document: Mapping[str, Any]) -> str:
    parts = [f"# {safe(document['title'])}\n", f"**{words.headline(document)}.**\n"]
    parts.append("\n".join(f"- {safe(reason)}" for reason in document["reasons"]) + "\n")
    parts.append(_facts(document["facts"]))
    parts += [f"{safe(note)}\n" for note in words.notes(document)]
    for one in words.tables(document):
        parts.append(f"## {safe(one.title)}\n")
        parts.append(table(one.head, one.rows))
        if one.note:
            parts.append(f"{safe(one.note)}\n")
    parts += ["## What ran\n", _facts(document["ran"])]
    return "\n".join(parts)


def _facts(facts: Sequence[Sequence[str]]) -> str:
    return "".join(f"- {safe(f'{name}: {value}')}\n" for name, value in facts)


def results(measured: Measured) -> str:
    """Mean, standard deviation, coefficient of variation and interval, with the number of values beside them, for each part and model."""
    head = [
        "Metric",
        "Mean Value",
        "Standard Deviation",
        "Coefficient of Variation (%)",
        "95% Confidence Interval",
        "Reliable?",
        "n",
    ]
    parts = []
    for (series, model), rows in figures.groups(measured).items():
        failed = sum(row.failed for row in rows)
        parts.append(f"## {safe(series)}, {safe(model)}\n")
        parts.append(table(head, _rows(rows, measured)))
        parts.append(f"{failed} of {len(rows)} requests failed, and are in none of these.\n")
    notes = [
        "Reliable? is yes where the coefficient of variation is below 10 %. It says how alike requests were; how well the mean is known says the interval.",
        "Prompt Eval TPS has the tokens alone that did not come from the cache, and the time to the first token less the gateway's queue.",
        "GPU rows are of the whole run. Where no interval stands there are too few values, or a few of them decide the mean.",
    ]
    return "\n".join(["# Results\n", *parts, *(f"- {safe(note)}" for note in notes)]) + "\n"


def _rows(rows: Sequence[Row], measured: Measured) -> list[list[str]]:
    gpus = [gpu for trace in measured.traces for gpu in trace.get("gpus") or []]
    used = [gpu["used"] * 100 for gpu in gpus if isinstance(gpu.get("used"), (int, float))]
    memory = [
        gpu["memory_used"] / gpu["memory_total"] * 100
        for gpu in gpus
        if isinstance(gpu.get("memory_used"), (int, float)) and gpu.get("memory_total")
    ]

    def times(name: str, factor: float = 1.0) -> list[float]:
        return [value * factor for value in figures.times(rows, name, measured.open)]

    listed = [
        ("Prompt Eval TPS", times("prompt"), " tokens/s"),
        ("Generation TPS", times("generation"), " tokens/s"),
        ("Response Latency (TTFT)", times("ttft", 1000), " ms"),
        ("Response Latency (Total)", times("latency", 1000), " ms"),
        ("GPU Utilization (%)", used, "%"),
        ("Memory Utilization (%)", memory, "%"),
    ]
    return [_row(name, values, unit) for name, values, unit in listed]


def _row(name: str, values: Sequence[float], unit: str) -> list[str]:
    told = intervals.mean(values)
    if told.value is None:
        return [name, words.NONE, words.NONE, words.NONE, words.NONE, words.NONE, "0"]
    spread = intervals.deviation(values)
    variation = spread / told.value if told.value else 0.0
    several = len(values) > 1
    return [
        name,
        f"{told.value:.2f}{unit}",
        f"{spread:.2f}" if several else words.NONE,
        f"{variation * 100:.1f}" if several else words.NONE,
        words.NONE if told.low is None or told.high is None else f"[{told.low:.2f}, {told.high:.2f}]",
        ("Yes" if variation < RELIABLE else "No") if several else words.NONE,
        str(len(values)),
    ]
