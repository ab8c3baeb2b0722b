# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of its private network, in the words of `ip` and `wg`, and whether its peers answer."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Interface
from ansible_collections.hearth.llm.plugins.modules import private_network_info, private_network_probe

# As wireguard-tools 1.0.20210914 prints them.
WG = {
    "listen-port": "51820\n",
    "public-key": "mine=\n",
    "allowed-ips": "b=\t10.212.0.2/32\nc=\t(none)\n",
    "persistent-keepalive": "b=\toff\nc=\t25\n",
    "latest-handshakes": "b=\t{now}\nc=\t0\n",
    "transfer": "b=\t92\t148\nc=\t0\t444\n",
}
LINKS = [
    {"ifname": "lo", "mtu": 65536, "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]},
    {
        "ifname": "eth0",
        "mtu": 1460,
        "flags": ["BROADCAST", "UP", "LOWER_UP"],
        "addr_info": [
            {"family": "inet", "local": "192.0.2.1", "prefixlen": 24},
            {"family": "inet6", "local": "2001:db8::1", "prefixlen": 64},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64},
        ],
    },
    # Switched on, and nothing at its other end.
    {"ifname": "dummy0", "mtu": 1500, "flags": ["NO-CARRIER", "UP"]},
    {
        "ifname": "hearth",
        "mtu": 1380,
        "linkinfo": {"info_kind": "tun", "info_data": {"type": "tun"}},
        "addr_info": [{"family": "inet", "local": "10.212.0.1", "prefixlen": 16}],
    },
    # What `ip` leaves of a link that a filter has taken.
    {},
]
UDP = "  sl  local_address rem_address\n   1: 00000000:CA6C 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 0\n"


def ask(*command: str) -> str:
    if command[0] == "ip":
        return json.dumps(LINKS)
    assert command[:3] == ("wg", "show", "hearth")
    return WG[command[3]]


def look(root: Path, interface: str = "hearth", port: int | None = 51820) -> dict[str, Any]:
    return private_network_info.run(Host(str(root)), ask, lambda name: [name], interface, port, ["b.example"], ["eth0"])


def test_what_runs_is_told_without_a_key_that_is_secret(tmp_path: Path) -> None:
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/udp").write_text(UDP)
    found = look(tmp_path)
    assert found["running"] == {
        "userspace": True,
        "address": "10.212.0.1/16",
        "mtu": 1380,
        "public_key": "mine=",
        "port": 51820,
        "peers": {
            "b=": {"addresses": ["10.212.0.2/32"], "keepalive_seconds": 0},
            "c=": {"addresses": [], "keepalive_seconds": 25},
        },
    }
    assert found["interfaces"]["eth0"] == {"addresses": ["192.0.2.1/24"], "up": True}
    assert not found["interfaces"]["dummy0"]["up"]
    assert found["reachable_addresses"] == ["192.0.2.1", "2001:db8::1"]
    assert (found["uplink_mtu"], found["endpoints"]) == (1460, {"b.example": ["b.example"]})
    # Its own port is nobody else's.
    assert not found["port_taken"]
    other = look(tmp_path, "wg1")
    assert (other["running"], other["port_taken"]) == ({}, True)
    assert not look(tmp_path, "wg1", 51821)["port_taken"]


def test_a_peer_answers_by_what_it_sends_and_the_other_is_told_with_what_to_look_at() -> None:
    asked: list[str] = []
    received = {"b=": 92, "c=": 0, "d=": 7}

    def wg(*command: str) -> str:
        if command[3] == "latest-handshakes":
            return f"c=\t0\nd=\t{int(time.time()) - 400}\n"
        return "".join(f"{key}\t{count}\t1\n" for key, count in received.items())

    def send(address: str) -> None:
        asked.append(address)
        if address == "10.212.0.2":
            received["b="] += 128

    peers = [
        {"name": name, "public_key": f"{name}=", "address": f"10.212.0.{number}", "endpoint": endpoint}
        for number, (name, endpoint) in enumerate((("b", "192.0.2.2:1"), ("c", ""), ("d", "192.0.2.4:51820")), 2)
    ]
    silent = private_network_probe.run(Interface(wg, "hearth"), peers, 0.3, send, pause=0.01)["silent"]
    assert [one["name"] for one in silent] == ["c", "d"]
    assert silent[0]["handshake_age_seconds"] is None
    assert silent[1]["handshake_age_seconds"] == pytest.approx(400, abs=2)
    assert (
        "c (10.212.0.3) has not answered over hearth, and the two have never agreed on keys. c has to come by itself"
        in silent[0]["words"]
    )
    assert "whether UDP gets through to 192.0.2.4:51820 (hearth_private_endpoint" in silent[1]["words"]
    # Once it was enough for the one that answers.
    assert asked.count("10.212.0.2") == 1
    assert asked.count("10.212.0.4") > 1


def test_the_echo_request_has_a_checksum_that_holds() -> None:
    words = struct.unpack("!4H", private_network_probe.echo_request())
    assert words[0] == 0x0800
    total = sum(words)
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
