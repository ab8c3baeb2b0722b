# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, Row

# The columns of these two sections are those of the test scripts that many shops began with, so that their spreadsheets go on.
REQUESTS = (
    "User ID",
    "Iteration",
    "Status",
    "Latency (ms)",
    "Prompt Tokens",
    "Completion Tokens",
    "Total Tokens",
    "Output TPS (tokens/s)",
    "Duration (s)",
)
GPUS = ("Timestamp", "GPU Utilization (%)", "Memory Utilization (%)", "Memory Used (MiB)", "Memory Total (MiB)")
MIB = 1024 * 1024


def requests(measured: Measured) -> str:
    """Every row as it was recorded; of the pauses how many there were and the longest."""
    names = [one.name for one in fields(Row) if one.name != "gaps"]
    return _csv(
        [
            [*names, "gaps", "gap_longest", "wait", "service"],
            *(
                [
                    *(getattr(row, name) for name in names),
                    len(row.gaps),
                    max(row.gaps, default=None),
                    round(row.started - row.scheduled, 6),
                    round(row.ended - row.started, 6),
                ]
                for row in measured.rows
            ),
        ]
    )


def performance_metrics(measured: Measured) -> str:
    lines: list[Sequence[Any]] = [["AnythingLLM Metrics"], REQUESTS]
    iterations: dict[int, int] = {}
    for row in measured.rows:
        iterations[row.user] = iterations.get(row.user, 0) + 1
        speed = figures.times([row], "generation", measured.open)
        known = row.tokens_in is not None and row.tokens_out is not None
        seconds = row.ended - row.started
        lines.append(
            [
                row.user,
                iterations[row.user],
                "Success" if row.succeeded else "Error",
                round((row.ended - figures.origin(row, measured.open)) * 1000, 3) if row.succeeded else None,
                row.tokens_in,
                row.tokens_out,
                (row.tokens_in or 0) + (row.tokens_out or 0) if known else None,
                round(speed[0], 3) if speed else None,
                round(seconds, 3) if row.succeeded else None,
            ]
        )
    lines += [[], ["NVIDIA Metrics"], GPUS]
    for trace in measured.traces:
        for gpu in trace.get("gpus") or []:
            used, total = gpu.get("memory_used"), gpu.get("memory_total")
            known = isinstance(used, (int, float)) and isinstance(total, (int, float)) and total > 0
            lines.append(
                [
                    trace["at"],
                    round(gpu["used"] * 100, 1) if isinstance(gpu.get("used"), (int, float)) else None,
                    round(used / total * 100, 1) if known else None,
                    round(used / MIB) if known else None,
                    round(total / MIB) if known else None,
                ]
            )
    return _csv(lines)


def _csv(lines: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([_safe(cell) for cell in line] for line in lines)
    return written.getvalue()


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is a text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
