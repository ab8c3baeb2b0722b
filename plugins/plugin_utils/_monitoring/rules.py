# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When somebody is told, and in which words. PRIVATE to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.targets import (
    GATEWAY,
    GPUS,
    HOSTS,
    KEYS,
    Targets,
)

REFUSED = 'hearth_refusals_total{reason="queue"}'
# File systems that nobody fills.
FILES = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|efivarfs"'


def rules(found: Targets, limits: Mapping[str, Any]) -> list[dict[str, Any]]:
    there = {job["job_name"] for job in found.jobs}
    group = []
    if GATEWAY in there:
        group += list(_gateway(found, limits))
    if found.engines:
        group += list(_engines())
    if HOSTS in there:
        group += list(_hosts(limits))
    if GPUS in there:
        group += list(_gpus(limits))
    return group


def backends(found: Targets) -> str:
    """A pattern of the backends of models, which other backends of the gateway are not told apart from by anything else."""
    # Prometheus's patterns are anchored, and its strings take a backslash for their own.
    return "|".join(sorted(re.escape(name).replace("\\", "\\\\") for name in set(found.backends.values())))


def _rule(name: str, expr: str, minutes: int, severity: str, summary: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expr,
        **({"for": f"{minutes}m"} if minutes else {}),
        "labels": {"severity": severity},
        "annotations": {"summary": summary},
    }


def _gateway(found: Targets, limits: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    models = f'proxy=~"{backends(found)}"'
    yield _rule(
        "HearthGatewayDown",
        f'up{{job="{GATEWAY}"}} == 0',
        2,
        "critical",
        "The gateway on {{ $labels.host }} does not answer: nobody can ask a model.",
    )
    # A configuration that lost its targets has no series at all, which no comparison notices.
    yield _rule(
        "HearthGatewayForgotten",
        f'absent(up{{job="{GATEWAY}"}})',
        5,
        "critical",
        "Nothing is asked of the gateway any more: look at prometheus.yml.",
    )
    if found.backends:
        yield _rule(
            "HearthEngineUnreachable",
            f"sum by (host, proxy) (increase(haproxy_backend_connection_errors_total{{{models}}}[5m])) > 0",
            1,
            "critical",
            "The gateway on {{ $labels.host }} cannot reach the engine of {{ $labels.proxy }}: it is down, or still starting.",
        )
        yield _rule(
            "HearthModelWithoutEngine",
            f"haproxy_backend_active_servers{{{models}}} == 0",
            2,
            "critical",
            "None of the engines of {{ $labels.proxy }} is up.",
        )
        yield _rule(
            "HearthErrors",
            f'sum by (host, proxy) (rate(haproxy_backend_http_responses_total{{{models},code="5xx"}}[10m]))'
            f" / sum by (host, proxy) (rate(haproxy_backend_http_responses_total{{{models}}}[10m]))"
            f" > {float(limits['error_share'])}",
            5,
            "warning",
            "{{ $value | humanizePercentage }} of the answers of {{ $labels.proxy }} are errors of its engine, or of the gateway in its place.",
        )
        yield _rule(
            "HearthQueueFull",
            f"haproxy_backend_current_queue{{{models}}} >= {round(0.8 * int(limits['queue_length']))}",
            2,
            "warning",
            "{{ $value }} requests wait for {{ $labels.proxy }}; who asks when the queue is full is sent away.",
        )
    yield _rule(
        "HearthLongWaiting",
        "histogram_quantile(0.95, sum by (host, model, le) (rate(hearth_queue_seconds_bucket[10m])))"
        f" > {int(limits['wait_seconds'])}",
        5,
        "warning",
        "One in twenty requests waits {{ $value | humanizeDuration }} or longer for {{ $labels.model }}.",
    )
    yield _rule(
        "HearthRefusals",
        f"(sum by (host, model) (increase({REFUSED}[10m])) > 0)"
        # A series begins with its first refusal, and has not increased then.
        f" or (sum by (host, model) ({REFUSED}) unless sum by (host, model) ({REFUSED} offset 10m))",
        0,
        "warning",
        "The queue of {{ $labels.model }} was full, and {{ $value | humanize }} requests were sent away in ten minutes.",
    )
    yield _rule(
        "HearthCertificateEnds",
        f"hearth_certificate_end_seconds - time() < {int(limits['certificate_days']) * 86400}",
        0,
        "warning",
        "The certificate of the gateway on {{ $labels.host }} ends in {{ $value | humanizeDuration }}: run site.yml --tags certificates.",
    )
    yield _rule(
        "HearthUsageNotWritten",
        "increase(hearth_usage_write_errors_total[30m]) > 0",
        0,
        "warning",
        "The gateway on {{ $labels.host }} cannot write down who has used what: look at its disk.",
    )
    yield _rule(
        "HearthCountsMissing",
        f'up{{job="{KEYS}"}} == 0 and on (host) up{{job="{GATEWAY}"}} == 1',
        5,
        "warning",
        "The gateway on {{ $labels.host }} answers, and does not tell its counts by key and model.",
    )


def _engines() -> Iterator[dict[str, Any]]:
    yield _rule(
        "HearthEngineDown",
        'up{job=~"hearth_engines:.*"} == 0',
        2,
        "critical",
        "The engine of {{ $labels.model }} on {{ $labels.host }} does not answer.",
    )


def _hosts(limits: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    free = f"node_filesystem_avail_bytes{{{FILES}}}"
    yield _rule(
        "HearthHostDown",
        f'up{{job="{HOSTS}"}} == 0',
        5,
        "critical",
        "{{ $labels.host }} does not say how it is.",
    )
    yield _rule(
        "HearthDiskFull",
        f"{free} / node_filesystem_size_bytes{{{FILES}}} < {float(limits['disk_free_share'])}",
        5,
        "warning",
        "{{ $labels.mountpoint }} on {{ $labels.host }} has {{ $value | humanizePercentage }} left.",
    )
    yield _rule(
        "HearthDiskFullSoon",
        f"predict_linear({free}[6h], {int(limits['disk_hours']) * 3600}) < 0 and {free} / node_filesystem_size_bytes{{{FILES}}} < 0.5",
        60,
        "warning",
        f"{{{{ $labels.mountpoint }}}} on {{{{ $labels.host }}}} is full within {int(limits['disk_hours'])} hours, if it goes on like this.",
    )
    yield _rule(
        "HearthMemoryShort",
        "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05",
        10,
        "warning",
        "{{ $labels.host }} has {{ $value | humanizePercentage }} of its memory left: engines may be ended by the system.",
    )


def _gpus(limits: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _rule(
        "HearthGpuHot",
        f"DCGM_FI_DEV_GPU_TEMP > {int(limits['gpu_celsius'])}",
        5,
        "warning",
        "GPU {{ $labels.gpu }} of {{ $labels.host }} has {{ $value }} °C.",
    )
    yield _rule(
        "HearthGpuFault",
        "DCGM_FI_DEV_XID_ERRORS > 0 and changes(DCGM_FI_DEV_XID_ERRORS[10m]) > 0",
        0,
        "critical",
        "The driver reports fault {{ $value }} (Xid) of GPU {{ $labels.gpu }} of {{ $labels.host }}: look at the host's kernel log.",
    )
    yield _rule(
        "HearthGpusSilent",
        f'up{{job="{GPUS}"}} == 0',
        5,
        "warning",
        "Nobody says how the GPUs of {{ $labels.host }} are.",
    )
