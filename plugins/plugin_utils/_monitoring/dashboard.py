# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One dashboard of Grafana: rows for what there is. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.rules import FILES, backends
from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.targets import GATEWAY, GPUS, HOSTS, Targets

# Grafana's grid has 24 columns; three panels stand side by side.
WIDTH, HEIGHT = 8, 8
SOURCE = {"type": "prometheus", "uid": "${source}"}

# Title, unit, and queries, each with the name of its lines.
Panel = tuple[str, str, Sequence[tuple[str, str]]]


def dashboard(found: Targets, name: str) -> dict[str, Any]:
    """As Grafana's import takes it; the data source is chosen there."""
    return {
        "uid": "hearth-llm",
        "title": f"hearth.llm: {name}",
        "tags": ["hearth"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": list(_placed(found)),
    }


def _placed(found: Targets) -> Iterator[dict[str, Any]]:
    top = number = 0
    for title, panels in _rows(found):
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": _at(0, top, 24, 1),
        }
        top += 1
        for place, panel in enumerate(panels):
            number += 1
            yield _panel(number, panel, _at(place % 3 * WIDTH, top + place // 3 * HEIGHT, WIDTH, HEIGHT))
        top += -(-len(panels) // 3) * HEIGHT


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    title, unit, queries = panel
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + count), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for count, (expr, legend) in enumerate(queries)
        ],
    }


def _rows(found: Targets) -> Iterator[tuple[str, list[Panel]]]:
    there = {job["job_name"] for job in found.jobs}
    if GATEWAY in there:
        yield "What people ask", list(_gateway(found))
    if found.engines:
        yield "Engines", list(_engines(found))
    if HOSTS in there:
        yield "Hosts", list(_hosts())
    if GPUS in there:
        yield "GPUs", list(_gpus())


def _quantile(share: float, series: str) -> str:
    return f"histogram_quantile({share}, sum by (model, le) (rate({series}_bucket[$__rate_interval])))"


def _gateway(found: Targets) -> Iterator[Panel]:
    models = f'proxy=~"{backends(found)}"'
    yield (
        "Requests by model",
        "reqps",
        [("sum by (model) (rate(hearth_requests_total[$__rate_interval]))", "{{model}}")],
    )
    yield "Under way by key", "short", [("sum by (key) (hearth_requests_open)", "{{key}}")]
    yield "Waiting by model", "short", [(f"sum by (proxy) (haproxy_backend_current_queue{{{models}}})", "{{proxy}}")]
    yield (
        "Time in the queue",
        "s",
        [
            (_quantile(0.5, "hearth_queue_seconds"), "half of {{model}}"),
            (_quantile(0.95, "hearth_queue_seconds"), "95 % of {{model}}"),
        ],
    )
    yield (
        "Time until the answer begins",
        "s",
        [
            (_quantile(0.5, "hearth_first_byte_seconds"), "half of {{model}}"),
            (_quantile(0.95, "hearth_first_byte_seconds"), "95 % of {{model}}"),
        ],
    )
    yield (
        "Answers by status",
        "reqps",
        [("sum by (status) (rate(hearth_answers_total[$__rate_interval]))", "{{status}}")],
    )
    yield (
        "Sent away by a limit",
        "reqps",
        [("sum by (key, reason) (rate(hearth_refusals_total[$__rate_interval]))", "{{key}}: {{reason}}")],
    )
    yield "Tokens of this month", "short", [("sum by (key, kind) (hearth_tokens_total)", "{{key}}: {{kind}}")]
    yield "The certificate ends in", "s", [("min by (host) (hearth_certificate_end_seconds) - time()", "{{host}}")]


def _engines(found: Targets) -> Iterator[Panel]:
    rooms = [engines()[name] for name in sorted(found.engines)]

    def each(query: str, key: str) -> list[tuple[str, str]]:
        return [(query.format(room.series[key]), "{{model}} on {{host}}") for room in rooms]

    yield "Answered at the same time", "short", each("{}", "running")
    yield "Waiting within the engine", "short", each("{}", "waiting")
    yield "Tokens written", "short", each("rate({}[$__rate_interval])", "written")
    yield "Tokens read", "short", each("rate({}[$__rate_interval])", "read")


def _hosts() -> Iterator[Panel]:
    idle = 'avg by (host) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))'
    yield "Processors", "percentunit", [(f"1 - {idle}", "{{host}}")]
    yield (
        "Memory in use",
        "percentunit",
        [("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{host}}")],
    )
    yield (
        "Disks in use",
        "percentunit",
        [
            (
                f"1 - node_filesystem_avail_bytes{{{FILES}}} / node_filesystem_size_bytes{{{FILES}}}",
                "{{host}} {{mountpoint}}",
            )
        ],
    )


def _gpus() -> Iterator[Panel]:
    legend = "{{host}} {{gpu}}"
    yield "GPUs at work", "percent", [("DCGM_FI_DEV_GPU_UTIL", legend)]
    yield (
        "Memory of GPUs in use",
        "percentunit",
        [("DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)", legend)],
    )
    yield "Temperature of GPUs", "celsius", [("DCGM_FI_DEV_GPU_TEMP", legend)]
