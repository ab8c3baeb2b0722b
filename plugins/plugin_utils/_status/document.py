# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an installation is, as one document: its gateways, its hosts, and what ends soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Told = Mapping[str, Any]

_OF_GATEWAY = ("is_up", "reason", "certificate_ends", "status")
_OF_HOST = ("services", "disks", "memory", "load", "processors", "gpus")


def document(gateways: Mapping[str, Told], hosts: Mapping[str, Told], key_hashes: Iterable[Told], now: float) -> Told:
    """Of a key with several texts the one that ends last says when it ends."""
    return {
        "time": int(now),
        "gateways": {name: _taken(told, _OF_GATEWAY) for name, told in gateways.items()},
        "hosts": {name: _host(told) for name, told in hosts.items()},
        "keys": list(_keys(key_hashes)),
    }


def down(told: Told) -> list[str]:
    """What does not run, each as a part of a sentence."""
    found = [f"the gateway of {name}" for name, one in told["gateways"].items() if not one["is_up"]]
    for name, host in told["hosts"].items():
        if not host["is_reached"]:
            found.append(f"the host {name}")
        found += [f"{service['name']} on {name}" for service in host["services"] if not service["is_up"]]
    return found


def _host(told: Told) -> dict[str, Any]:
    if told.get("unreachable"):
        return {
            "is_reached": False,
            "reason": " ".join(str(told.get("msg", "")).split()),
            "services": [],
            "disks": [],
            "memory": None,
            "load": None,
            "processors": None,
            "gpus": [],
        }
    return {"is_reached": True, "reason": "", **_taken(told, _OF_HOST)}


def _taken(told: Told, names: Iterable[str]) -> dict[str, Any]:
    return {name: told[name] for name in names}


def _keys(hashes: Iterable[Told]) -> Iterator[dict[str, Any]]:
    ends: dict[str, float | None] = {}
    for text in hashes:
        name, end = str(text["name"]), text["ends"]
        before = ends.get(name, end)
        ends[name] = None if before is None or end is None else max(before, end)
    for name in sorted(ends):
        yield {"name": name, "ends": ends[name]}
