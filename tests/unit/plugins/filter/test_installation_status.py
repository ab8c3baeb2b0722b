# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an installation is, in words that a person reads at a glance."""

from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.installation_status import installation_status

NOW = 1796000000.0
DAY = 86400
GIB = 1 << 30
MODEL = {"name": "chat", "state": "loaded", "slots": 4, "slots_in_use": 1, "waiting": 2, "tokens_per_second": 31.25}
GATEWAY: dict[str, Any] = {
    "is_up": True,
    "reason": "",
    "certificate_ends": NOW + 300 * DAY,
    "status": {"models": [MODEL]},
}
HOST: dict[str, Any] = {
    "services": [{"name": "gateway", "state": "running", "is_up": True, "since": NOW - 3 * 3600}],
    "disks": [{"directory": "/var/lib/hearth", "free_bytes": 40 * 10**9, "total_bytes": 500 * 10**9}],
    "memory": {"available_bytes": 12 * GIB, "total_bytes": 64 * GIB},
    "load": 1.5,
    "processors": 8,
    "gpus": [{"index": 0, "name": "NVIDIA L4", "memory_bytes": 24 * GIB, "memory_free_bytes": 3 * GIB}],
}


def text(gateway: dict[str, Any], host: dict[str, Any], *keys: dict[str, Any]) -> str:
    return "\n".join(installation_status({"llm": gateway}, {"llm": host}, keys, NOW)["lines"])


def test_what_is_well_is_said_in_a_few_lines() -> None:
    told = installation_status({"llm": GATEWAY}, {"llm": HOST}, [{"name": "office", "ends": None}], NOW)
    assert told["down"] == []
    assert told["lines"] == [
        "gateway llm: up",
        "  its certificate ends on 2027-09-26, in 300 days",
        "  model  state   slots  waiting  tokens/s",
        "  chat   loaded  1/4    2        31.2",
        "host llm: 1 of 1 services up",
        "  gateway: running for 3 h 0 min",
        "  disk of /var/lib/hearth: 40.0 GB of 500.0 GB free: MAKE ROOM",
        "  memory: 12.0 GiB of 64.0 GiB available",
        "  load: 1.5 on 8 processors",
        "  GPU 0 NVIDIA L4: 3.0 GiB of 24.0 GiB free",
    ]


def test_what_is_down_is_named() -> None:
    gateway = {"is_up": False, "reason": "llm:443 cannot be reached.", "certificate_ends": None, "status": None}
    stopped = {"name": "llama_cpp", "state": "exited", "is_up": False, "since": None}
    hosts = {"llm": {**HOST, "services": [stopped]}, "far": {"unreachable": True, "msg": "No route\n to host"}}
    told = installation_status({"llm": gateway}, hosts, [], NOW)
    assert told["down"] == ["the gateway of llm", "llama_cpp on llm", "the host far"]
    for line in ("gateway llm: DOWN", "  llm:443 cannot be reached.", "  llama_cpp: EXITED"):
        assert line in told["lines"]
    assert "host far: NOT REACHED. No route to host" in told["lines"]


def test_what_ends_soon_is_pointed_out() -> None:
    soon = {**GATEWAY, "certificate_ends": NOW + 5 * DAY}
    told = text(soon, HOST, {"name": "office", "ends": NOW + 2 * DAY}, {"name": "guest", "ends": NOW - DAY})
    assert "its certificate ends on 2026-12-05, in 5 days (SOON)" in told
    assert "key office: ends on 2026-12-02, in 2 days (SOON)" in told
    assert "key guest: ENDED on 2026-11-29" in told


def test_of_a_key_that_was_replaced_the_text_that_lasts_longest_counts() -> None:
    hashes: list[dict[str, Any]] = [{"name": "office", "ends": NOW + DAY}, {"name": "office", "ends": None}]
    assert installation_status({}, {}, hashes, NOW)["keys"] == [{"name": "office", "ends": None}]
    assert "office" not in text(GATEWAY, HOST, *hashes)


def test_what_is_not_known_is_said_to_be_so() -> None:
    blind = {**GATEWAY, "status": {"models": [{**MODEL, "slots": None, "tokens_per_second": None}]}}
    mute = {**HOST, "gpus": [{"index": 0, "name": "NVIDIA L4", "memory_bytes": None, "memory_free_bytes": None}]}
    told = text(blind, mute)
    assert "chat   loaded  1      2        -" in told
    assert "GPU 0 NVIDIA L4: its driver does not answer" in told
    fetching = {**GATEWAY, "status": {"models": [{**MODEL, "state": "fetching", "fetch": {"percent": 41.7}}]}}
    assert "42 % fetched" in text(fetching, HOST)
