# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of a dry run: for programs as JSON, for Prometheus as text for its node exporter, for people as a page."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._drift.record import (
    AS_DESCRIBED,
    DRIFTED,
    INCOMPLETE,
    UNREACHABLE,
)

Hosts = Mapping[str, Mapping[str, Any]]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1e21; background: #fff }
h2 { margin: 2rem 0 .3rem } .fine { color: #14713d } .wrong { color: #a3341c } pre { background: #f4f4f2; padding: .6rem; overflow-x: auto; font-size: 13px }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e3; background: #17191c } pre { background: #22262a } .fine { color: #6fcf97 } .wrong { color: #f2896b }
}
"""
_METRICS = (
    ("findings", "What would be changed on the host, so that it is as described."),
    ("incomplete", "1 where the dry run could not look at the whole host."),
)


def write(directory: Path, began: str, ended: str, ended_at: float, hosts: Hosts) -> None:
    document = {"began": began, "ended": ended, "hosts": hosts}
    _put(directory / "drift.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    _put(directory / "drift.prom", "".join(f"{line}\n" for line in _metrics(ended_at, hosts)))
    _put(directory / "drift.html", "\n".join(_page(began, ended, hosts)) + "\n")


def sentence(host: str, told: Mapping[str, Any]) -> str:
    count = len(told["findings"])
    return {
        AS_DESCRIBED: f"{host} is as described.",
        DRIFTED: f"{host} is not as described: {'one thing' if count == 1 else f'{count} things'} would be changed.",
        INCOMPLETE: f"{host} could not be looked at wholly: {told['ended_by']}",
        UNREACHABLE: f"{host} could not be reached: {told['ended_by']}",
    }[told["state"]]


def wrong(hosts: Hosts) -> list[str]:
    """What is to be said of hosts that are not as they should be, with the tasks that would change something."""
    return [
        "\n  - ".join([sentence(name, told), *(_named(finding) for finding in told["findings"])])
        for name, told in hosts.items()
        if told["state"] != AS_DESCRIBED
    ]


def _named(finding: Mapping[str, str]) -> str:
    return finding["task"] + (f" ({finding['item']})" if finding["item"] else "")


def _metrics(ended_at: float, hosts: Hosts) -> Iterator[str]:
    yield "# HELP hearth_drift_timestamp_seconds When the last dry run ended."
    yield "# TYPE hearth_drift_timestamp_seconds gauge"
    yield f"hearth_drift_timestamp_seconds {ended_at:.0f}"
    for name, meaning in _METRICS:
        yield f"# HELP hearth_drift_{name} {meaning}"
        yield f"# TYPE hearth_drift_{name} gauge"
        for host, told in hosts.items():
            label = host.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            value = len(told["findings"]) if name == "findings" else int(told["state"] in (INCOMPLETE, UNREACHABLE))
            yield f'hearth_drift_{name}{{host="{label}"}} {value}'


def _page(began: str, ended: str, hosts: Hosts) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>What is not as described</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>What is not as described</h1><p>A dry run from {html.escape(began)} to {html.escape(ended)}.</p>"
    for name, told in hosts.items():
        kind = "fine" if told["state"] == AS_DESCRIBED else "wrong"
        yield f'<h2>{html.escape(name)}</h2><p class="{kind}">{html.escape(sentence(name, told))}</p>'
        for finding in told["findings"]:
            yield f"<h3>{html.escape(_named(finding))}</h3>"
            if finding["difference"]:
                yield f"<pre>{html.escape(finding['difference'])}</pre>"
    yield "</body></html>"


def _put(path: Path, text: str) -> None:
    """Whole or not at all: somebody may read it at any moment."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
