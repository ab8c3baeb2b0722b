# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an installation is, for people: what is up, what the models do, what room is left, what ends soon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size, as_size

Told = Mapping[str, Any]

_DAY_SECONDS = 86400
# Certificates and keys are named from here on, days before they end.
SOON_DAYS = 30
# The part of a disk that is left when it is pointed out.
_SCARCE = 0.1


def lines(told: Told) -> list[str]:
    return [
        *(line for name, one in told["gateways"].items() for line in _gateway(name, one, told["time"])),
        *(line for name, one in told["hosts"].items() for line in _host(name, one, told["time"])),
        *_keys(told["keys"], told["time"]),
    ]


def _gateway(name: str, told: Told, now: int) -> Iterator[str]:
    yield f"gateway {name}: {'up' if told['is_up'] else 'DOWN'}"
    if told["reason"]:
        yield f"  {told['reason']}"
    if told["certificate_ends"] is not None:
        yield f"  its certificate {_ending(told['certificate_ends'], now)}"
    if told["status"] is not None:
        yield from _models(told["status"]["models"])


def _models(models: Sequence[Told]) -> Iterator[str]:
    if not models:
        yield "  no models"
        return
    rows = [("model", "state", "slots", "waiting", "tokens/s", ""), *(_model(model) for model in models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()


def _model(model: Told) -> tuple[str, str, str, str, str, str]:
    slots, speed, fetch = model.get("slots"), model.get("tokens_per_second"), model.get("fetch") or {}
    fetched = f"{fetch['percent']:.0f} % fetched" if fetch.get("percent") is not None else ""
    return (
        str(model.get("name", "")),
        str(model.get("state", "")),
        f"{model.get('slots_in_use', 0)}/{slots}" if slots is not None else str(model.get("slots_in_use", 0)),
        str(model.get("waiting", 0)),
        f"{speed:.1f}" if speed is not None else "-",
        fetched or str(model.get("why") or ""),
    )


def _host(name: str, told: Told, now: int) -> Iterator[str]:
    if not told["is_reached"]:
        yield f"host {name}: NOT REACHED. {told['reason']}".rstrip()
        return
    up = [service for service in told["services"] if service["is_up"]]
    yield f"host {name}: {len(up)} of {len(told['services'])} services up"
    for service in told["services"]:
        since = f" for {_span(now - service['since'])}" if service["since"] is not None else ""
        yield f"  {service['name']}: {service['state'] if service['is_up'] else service['state'].upper()}{since}"
    for disk in told["disks"]:
        free, total = disk["free_bytes"], disk["total_bytes"]
        scarce = ": MAKE ROOM" if free < total * _SCARCE else ""
        yield f"  disk of {disk['directory']}: {as_decimal_size(free)} of {as_decimal_size(total)} free{scarce}"
    memory = told["memory"]
    yield f"  memory: {as_size(memory['available_bytes'])} of {as_size(memory['total_bytes'])} available"
    yield f"  load: {told['load']:.1f} on {told['processors']} processors"
    for gpu in told["gpus"]:
        yield f"  GPU {gpu['index']} {gpu['name']}: {_gpu_memory(gpu)}"


def _gpu_memory(gpu: Told) -> str:
    free, total = gpu["memory_free_bytes"], gpu["memory_bytes"]
    if free is None:
        return "its driver does not answer"
    return f"{as_size(free)} of {as_size(total)} free" if total is not None else f"{as_size(free)} free"


def _keys(keys: Sequence[Told], now: int) -> Iterator[str]:
    for key in keys:
        if key["ends"] is not None and key["ends"] - now < SOON_DAYS * _DAY_SECONDS:
            yield f"key {key['name']}: {_ending(key['ends'], now)}"


def _ending(end: float, now: int) -> str:
    days = (end - now) / _DAY_SECONDS
    if days < 0:
        return f"ENDED on {_day(end)}"
    return f"ends on {_day(end)}, in {days:.0f} days" + (" (SOON)" if days < SOON_DAYS else "")


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _span(seconds: float) -> str:
    minutes = max(0, int(seconds)) // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"
