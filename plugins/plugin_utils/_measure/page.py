# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page that needs nothing but itself."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import figures, sla, words
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.plots import Series, cumulated, plot
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.verdict import EXIT

LONGEST_LABEL = 12
_STYLE = """
:root { --ink: #1c1e21; --paper: #fff; --soft: #f4f4f2; --rule: #d9d9d4; --dim: #5c6066;
  --c0: #0b62a8; --c1: #b3540e; --c2: #14713d; --c3: #7a3fa0; --c4: #8a6d00; --c5: #0f7480; --bad: #b3261e; --good: #14713d; --open: #8a6d00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e3; --paper: #17191c; --soft: #22262a; --rule: #3a3f45; --dim: #a5a9ad;
  --c0: #6cb4f0; --c1: #f0a463; --c2: #6fcf97; --c3: #c79be6; --c4: #e0c252; --c5: #63cbd6; --bad: #f2896b; --good: #6fcf97; --open: #e0c252 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; color: var(--ink); background: var(--paper) }
h1 { margin: 0 0 .3rem; line-height: 1.2; overflow-wrap: anywhere } h2 { margin: 2rem 0 .4rem }
.verdict { font-size: 1.25rem; font-weight: 600; border-left: .4rem solid; padding: .1rem .7rem; margin: .8rem 0 }
.v0 { color: var(--good) } .v1 { color: var(--bad) } .v2 { color: var(--open) }
li, p, dd { overflow-wrap: anywhere } .note, .none { color: var(--dim); max-width: 60rem }
dl { display: grid; grid-template-columns: fit-content(45%) 1fr; gap: .1rem 1rem; margin: 1rem 0 }
dt { color: var(--dim); overflow-wrap: anywhere } dd { margin: 0 }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--rule); vertical-align: top }
th { color: var(--dim); font-weight: 600 }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem }
figure { margin: 0; padding: .7rem; background: var(--soft); border-radius: .4rem; min-width: 0 } figcaption { font-weight: 600; overflow-wrap: anywhere }
svg { width: 100%; height: auto; display: block } .grid { stroke: var(--rule); stroke-width: .7 } text { fill: var(--dim); font: 11px system-ui, sans-serif }
.s { fill: none; stroke-width: 1.6 } .failed { stroke: var(--bad) } .p { fill-opacity: .65 }
.legend { margin: .2rem 0 0; font-size: 13px } .k { display: inline-block; margin-right: 1rem; overflow-wrap: anywhere }
.k::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px; background: var(--mine) }
.c0 { stroke: var(--c0); --mine: var(--c0) } .c1 { stroke: var(--c1); --mine: var(--c1) } .c2 { stroke: var(--c2); --mine: var(--c2) }
.c3 { stroke: var(--c3); --mine: var(--c3) } .c4 { stroke: var(--c4); --mine: var(--c4) } .c5 { stroke: var(--c5); --mine: var(--c5) }
.p { stroke: none; fill: var(--mine) } .p.again { stroke: var(--mine); fill: none } .s.again { stroke-dasharray: 5 3 } .k.failed { --mine: var(--bad) }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr } dd { margin-bottom: .4rem } text { font-size: 17px } }
@media print { figure { break-inside: avoid } }
"""


def page(measured: Measured, document: Mapping[str, Any]) -> str:
    return "\n".join(_parts(measured, document)) + "\n"


def _parts(measured: Measured, document: Mapping[str, Any]) -> Iterator[str]:
    title = html.escape(document["title"])
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    # Whatever a name has in it: this page fetches nothing and runs nothing.
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f'<p class="verdict v{EXIT[document["verdict"]]}">{html.escape(words.headline(document))}</p><ul>'
    yield from (f"<li>{html.escape(reason)}</li>" for reason in document["reasons"])
    yield "</ul>"
    yield from _facts(document["facts"])
    yield from (f'<p class="note">{html.escape(note)}</p>' for note in words.notes(document))
    yield '<h2>Plots</h2><div class="plots">'
    yield from _plots(measured, document)
    yield "</div>"
    for table in words.tables(document):
        yield f'<h2>{html.escape(table.title)}</h2><div class="wide"><table><thead><tr>'
        yield "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head) + "</tr></thead><tbody>"
        for row in table.rows:
            yield "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        yield "</tbody></table></div>"
        if table.note:
            yield f'<p class="note">{html.escape(table.note)}</p>'
    yield "<h2>What ran</h2>"
    yield from _facts(document["ran"])
    yield "</body></html>"


def _facts(facts: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "<dl>"
    yield from (f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in facts)
    yield "</dl>"


def _plots(measured: Measured, document: Mapping[str, Any]) -> Iterator[str]:
    groups = {group: rows for group, rows in figures.groups(measured).items() if not figures.is_warm_up(group[0])}
    called = {group: ", ".join(part for part in group if part) or "all" for group in groups}

    def times(name: str) -> list[Series]:
        found = []
        for group, rows in groups.items():
            points = [
                (figures.origin(row, measured.open), values[0])
                for row in rows
                if (values := figures.times([row], name, measured.open))
            ]
            found.append(Series(called[group], points))
        return found

    failed = [(row.started, row.ended - figures.origin(row, measured.open)) for row in measured.rows if row.failed]
    across = "seconds since the run began"
    yield plot(
        "Latency of each request",
        across,
        "seconds",
        [*times("latency"), Series("failed", failed, failed=True)],
        line=False,
    )
    yield plot("Time to first token of each request", across, "seconds", times("ttft"), line=False)
    for name in ("ttft", "latency"):
        series = [
            Series(called[group], cumulated(figures.times(rows, name, measured.open))) for group, rows in groups.items()
        ]
        yield plot(
            f"{figures.NAMES[name]}: the share that took no longer", "seconds", "share", series, steps=True, top=1.0
        )
    yield from _sweep(document)
    yield from _traces(measured)
    yield from _keys(document)


def _sweep(document: Mapping[str, Any]) -> Iterator[str]:
    levels: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for group in document["groups"]:
        number = sla.level(group["series"])
        if number is not None:
            levels.setdefault(group["model"], []).append((number, group))
    if not any(len(found) > 1 for found in levels.values()):
        return

    def series(pick: str) -> list[Series]:
        found = []
        for model, several in sorted(levels.items()):
            points, bars = [], []
            for number, group in sorted(several, key=lambda one: one[0]):
                if pick == "tokens":
                    told = group["throughput"].get("tokens") or {"value": None}
                else:
                    told = (group["figures"].get(pick) or {"percentiles": {"50": {"value": None}}})["percentiles"]["50"]
                if told["value"] is not None:
                    points.append((float(number), told["value"]))
                    low, high = told["low"], told["high"]
                    bars.append((told["value"],) * 2 if low is None or high is None else (low, high))
            found.append(Series(model, points, bars))
        return found

    across = "requests at a time"
    yield plot("Throughput by concurrency (95 % interval)", across, "tokens a second", series("tokens"))
    yield plot("Median time to first token by concurrency (95 % interval)", across, "seconds", series("ttft"))
    yield plot("Median latency by concurrency (95 % interval)", across, "seconds", series("latency"))


def _traces(measured: Measured) -> Iterator[str]:
    if not measured.traces:
        return
    busy: dict[str, list[tuple[float, float]]] = {}
    memory: dict[str, list[tuple[float, float]]] = {}
    for trace in measured.traces:
        host, at = str(trace.get("host", "")), float(trace["at"])
        places = [(host, trace.get("cpu"), trace.get("memory_used"))]
        places += [
            (f"{host} GPU {gpu.get('index')}", gpu.get("used"), gpu.get("memory_used"))
            for gpu in trace.get("gpus") or []
        ]
        for name, used, bytes_used in places:
            if isinstance(used, (int, float)):
                busy.setdefault(name, []).append((at, float(used)))
            if isinstance(bytes_used, (int, float)):
                memory.setdefault(name, []).append((at, bytes_used / 2**30))
    across = "seconds since the run began"
    yield plot("How busy hosts and GPUs were", across, "share", [Series(*one) for one in sorted(busy.items())], top=1.0)
    yield plot("Memory used", across, "GiB", [Series(*one) for one in sorted(memory.items())])


def _keys(document: Mapping[str, Any]) -> Iterator[str]:
    keys = document["fairness"]["keys"]
    if len(keys) < 2:
        return
    series, labels = [], []
    for number, (key, told) in enumerate(keys.items(), 1):
        speed = told["speed"]
        labels.append(key if len(key) <= LONGEST_LABEL else key[: LONGEST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}")
        if speed["value"] is not None:
            ends = (speed["value"],) * 2 if speed["low"] is None else (speed["low"], speed["high"])
            series.append(Series(key, [(float(number), speed["value"])], [ends]))
    yield plot(
        "How fast each key is served (95 % interval)", "key", "tokens a second", series, line=False, labels=labels
    )
