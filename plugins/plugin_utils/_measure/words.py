# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them, and tables that both the page and the text have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure.figures import NAMES, RATES

NONE = "\N{EN DASH}"
Cells = list[str]


@dataclass(frozen=True)
class Table:
    title: str
    head: Cells
    rows: list[Cells]
    note: str = ""


def number(value: float | None) -> str:
    if value is None:
        return NONE
    if value == 0:
        return "0"
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"


def with_interval(told: Mapping[str, Any], factor: float = 1.0) -> str:
    """A value with what it may be instead; without one, why."""
    if told["value"] is None:
        return NONE
    if told["low"] is None or told["high"] is None:
        return f"{number(told['value'] * factor)} (no interval: {told['why']})"
    return f"{number(told['value'] * factor)} ({number(told['low'] * factor)} to {number(told['high'] * factor)})"


def unit(name: str) -> tuple[str, float]:
    return ("tokens/s", 1.0) if name in RATES else ("ms", 1000.0)


def requests_table(groups: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for group in groups:
        told = group["requests"]
        kinds = ", ".join(f"{kind} {count}" for kind, count in told["failed"].items()) or NONE
        rows.append(
            [
                group["series"],
                group["model"],
                str(told["n"]),
                str(told["succeeded"]),
                kinds,
                str(told["interrupted"]),
                str(told["retried"]),
                with_interval(told["error_rate"], 100),
            ]
        )
    head = [
        "Part",
        "Model",
        "Requests",
        "Succeeded",
        "Failed, by kind",
        "Interrupted",
        "Tried again",
        "Failed, % (95 %)",
    ]
    note = "No figure below has a request in it that failed or was interrupted. A request that was interrupted is no failure."
    return Table("Requests", head, rows, note)


def figures_table(groups: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for group in groups:
        for name, told in group["figures"].items():
            words, factor = unit(name)
            percentiles = [with_interval(one, factor) for one in told["percentiles"].values()]
            rows.append(
                [
                    group["series"],
                    group["model"],
                    f"{NAMES[name]}, {words}",
                    str(told["n"]),
                    with_interval(told["mean"], factor),
                    *percentiles,
                ]
            )
    note = (
        f"In brackets what the truth is in with 95 % confidence, as this run knows it. {NONE} stands where there are too few values for a percentile: "
        "at least ten have to be beyond it (20 for the median, 100 for the 90th, 200 for the 95th, 1000 for the 99th)."
    )
    return Table(
        "Figures", ["Part", "Model", "Figure", "n", "Mean", "Median", "90th", "95th", "99th percentile"], rows, note
    )


def throughput_table(groups: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for group in groups:
        told, spent = group["throughput"], group["tokens"]
        cached = (
            NONE if spent["cached"]["share"] is None else f"{spent['cached']['sum']} ({spent['cached']['share']:.0%})"
        )
        rows.append(
            [
                group["series"],
                group["model"],
                number(told["seconds"]),
                number(told.get("in_flight")),
                with_interval(told["requests"]) if "requests" in told else NONE,
                with_interval(told["tokens"]) if "tokens" in told else NONE,
                str(spent["in"]["sum"]),
                cached,
                str(spent["evaluated"]["sum"]) if spent["evaluated"]["n"] else NONE,
                str(spent["out"]["sum"]),
            ]
        )
    head = [
        "Part",
        "Model",
        "Seconds",
        "At a time",
        "Requests/s",
        "Tokens/s",
        "Tokens in",
        "of these cached",
        "evaluated",
        "Tokens out",
    ]
    return Table(
        "Throughput and tokens",
        head,
        rows,
        "Tokens are what the answers tell in usage; what they do not tell is not counted.",
    )


def limits_table(judged: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [
            one["series"],
            one["model"],
            f"{one['rule']} {one['limit']:g}",
            one["verdict"],
            NONE if one["observed"] is None else f"{one['observed']:.2%}",
            NONE if one["low"] is None else f"{one['low']:.2%} to {one['high']:.2%}",
            one["words"],
        ]
        for one in judged
    ]
    note = "A limit holds where surely (95 %) no larger share is beyond it than it allows, and is broken where surely a larger one is."
    return Table(
        "Limits",
        ["Part", "Model", "Limit", "Verdict", "Beyond it", "Between (5 % on either side)", "In words"],
        rows,
        note,
    )


def sweep_table(found: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        [model, number(told["holds"]), number(told["breaks"]), ", ".join(map(str, told["levels"]))]
        for model, told in found.items()
    ]
    return Table(
        "Concurrency", ["Model", "Largest that keeps the limits", "First that surely breaks them", "Tried"], rows
    )


def comparison_table(compared: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for one in compared:
        share = one["figure"] == "failures"
        values = [
            NONE if one[key] is None else f"{one[key]:.2%}" if share else f"{one[key] * 1000:.4g} ms"
            for key in ("before", "now")
        ]
        effect = [
            NONE if one[key] is None else f"{one[key]:+.2%}" if share else f"{one[key]:.3f}"
            for key in ("effect", "low", "high")
        ]
        name = "Failures" if share else NAMES[one["figure"]]
        rows.append(
            [
                one["series"],
                one["model"],
                name,
                *values,
                effect[0],
                f"{effect[1]} to {effect[2]}",
                one["verdict"],
                one["words"],
            ]
        )
    note = (
        "Geometric means, and how many times as long as before. The intervals hold together with 95 % confidence, and allow for runs of the same "
        "engine that differ by themselves, which no run can know of itself."
    )
    head = ["Part", "Model", "Figure", "Before", "Now", "Effect", "Between", "Verdict", "In words"]
    return Table("Compared with the baseline", head, rows, note)


def drift_table(found: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [
            one["what"],
            str(one["n"]),
            *(NONE if one[key] is None else f"{number(one[key])} {one['unit']}" for key in ("change", "low", "high")),
            one["verdict"],
            one["words"],
        ]
        for one in found
    ]
    note = "How much it has changed from the beginning to the end, by the slope of Theil and Sen."
    return Table("Drift", ["What", "n", "Change", "At least", "At most", "Verdict", "In words"], rows, note)


def fairness_table(found: Mapping[str, Any]) -> Table:
    rows = [
        [
            key,
            str(told["requests"]["n"]),
            str(sum(told["requests"]["failed"].values())),
            with_interval(told["ttft"]["percentiles"]["50"], 1000),
            str(told["tokens_out"]),
            with_interval(told["speed"]),
        ]
        for key, told in found["keys"].items()
    ]
    value = (
        "no index"
        if found["index"] is None
        else f"Jain's index {found['index']:.3f} ({found['low']:.3f} to {found['high']:.3f}; 1 is fair)"
    )
    head = ["Key", "Requests", "Failed", "Median time to first token, ms", "Tokens out", "Tokens/s of an answer"]
    return Table("Keys", head, rows, f"{value}: {found['words']}.")


def hosts_table(found: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = []
    for host, named in found.items():
        for name, told in named.items():
            share = name.endswith(("cpu", "memory", "used"))
            value = with_interval(told["mean"], 100 if share else 1)
            most = number(told["max"] * (100 if share else 1))
            words = "%" if share else "W" if name.endswith("power") else "°C"
            rows.append([host, f"{name}, {words}", str(told["n"]), value, most])
    return Table("Hosts and GPUs", ["Host", "What", "n", "Mean", "Most"], rows)


def engines_table(found: Mapping[str, Mapping[str, float | None]]) -> Table:
    rows = [
        [instance, series, "the engine was started again" if grown is None else number(grown)]
        for instance, named in found.items()
        for series, grown in named.items()
    ]
    return Table("What the engines counted", ["Engine", "Counter", "Grown by"], rows)


def tables(document: Mapping[str, Any]) -> list[Table]:
    """All that has rows, in the order in which one asks."""
    every = [
        limits_table(document["limits"]),
        sweep_table(document["concurrency"]),
        comparison_table(document["comparison"]),
        requests_table(document["groups"]),
        figures_table(document["groups"]),
        throughput_table(document["groups"]),
        fairness_table(document["fairness"]),
        drift_table(document["drift"]),
        hosts_table(document["hosts"]),
        engines_table(document["engines"]),
    ]
    return [table for table in every if table.rows]


def headline(document: Mapping[str, Any]) -> str:
    """Where nothing was asked, nothing holds."""
    judged = document["limits"] or document["comparison"] or document["verdict"] != "holds"
    return str(document["verdict"]).capitalize() if judged else "Measured, and not judged"


def notes(document: Mapping[str, Any]) -> list[str]:
    """What a reader has to know of the run before any figure."""
    run, told = document["run"], []
    if document["open"]:
        told.append(
            "Requests began by a schedule (open loop). Waiting is counted from when each was due, so that a "
            "server that stalls is seen by all who would have waited for it."
        )
    else:
        told.append(
            "Each user waited for an answer before asking again (closed loop). While a server stalls nobody asks, so these figures hide a part of the "
            "waiting that people who come when they like would have (coordinated omission); what is missing cannot be reckoned from them. Only a profile of "
            "the kind open shows it."
        )
    if run.get("ended_by") == "interrupt":
        told.append("The run was interrupted; what had ended by then is here.")
    if document["cut_lines"]:
        told.append("The last line of the rows was cut short, as by a power cut, and is left out.")
    planned = run.get("planned")
    recorded = sum(group["requests"]["n"] for group in document["groups"])
    if isinstance(planned, int) and planned != recorded:
        told.append(f"{recorded} of {planned} planned requests were recorded.")
    driver = run.get("driver")
    late = driver.get("late_p99") if isinstance(driver, Mapping) else None
    if isinstance(late, (int, float)) and late > 0.05:
        told.append(
            f"The load generator itself began one of a hundred requests more than {late * 1000:.0f} ms late: let it run on a host that is less busy."
        )
    return told
