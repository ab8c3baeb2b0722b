# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_lockouts import firewall_lockouts
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_openings import firewall_openings

OPENINGS = firewall_openings([{"port": "20-23"}, {"port": 2222, "protocol": "udp"}], ["192.168.0.0/16", "fd00::/8"])


def connection(client: str, port: int = 22) -> dict[str, Any]:
    return {"client_address": client, "server_address": "192.168.1.2", "server_port": port}


@pytest.mark.parametrize("client", ["192.168.7.7", "::ffff:192.168.7.7", "fd00::7", "127.0.0.1", "::1"])
def test_a_connection_that_can_be_made_again_stands_for_nothing_in_the_way(client: str) -> None:
    assert firewall_lockouts(OPENINGS, [connection(client)]) == []


def test_without_ssh_nobody_is_locked_out() -> None:
    assert firewall_lockouts([], []) == []


@pytest.mark.parametrize(
    ("client", "port", "remedy"),
    [
        ("10.1.2.3", 22, "add 10.1.2.3 to firewall_ssh_sources"),
        ("2001:db8::1", 22, "open to fd00::/8: add 2001:db8::1 to firewall_ssh_sources"),
        ("192.168.7.7", 2222, "set firewall_ssh_port to 2222"),
    ],
)
def test_what_would_lock_us_out_is_named_with_the_remedy(client: str, port: int, remedy: str) -> None:
    (sentence,) = firewall_lockouts(OPENINGS, [connection(client, port)])
    assert remedy in sentence


def test_a_port_that_is_open_through_one_interface_lets_nobody_else_in() -> None:
    openings = firewall_openings([{"port": 22, "interface": "hearth"}], ["192.168.0.0/16"])
    (sentence,) = firewall_lockouts(openings, [connection("192.168.7.7")])
    assert "goes to port 22, which would be closed" in sentence


def through(**stage: Any) -> dict[str, Any]:
    """A connection that a tunnel of the host carries."""
    tunnel = {"name": "wg0", "kind": "wireguard", "doors": [], "outgoing": False, "unknown": "", **stage}
    return {**connection("192.168.7.7"), "stages": [tunnel]}


def door(port: int, source: str = "", protocol: str = "udp") -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": port, "source": source}]


@pytest.mark.parametrize(
    "stage",
    [
        {"doors": door(2222, "192.168.3.3")},
        {"doors": door(2222)},
        {"doors": door(51820), "outgoing": True},
        {"name": "known", "doors": door(51820)},
        {"name": "known", "unknown": "nobody knows"},
    ],
)
def test_a_tunnel_that_can_be_reached_again_stands_for_nothing_in_the_way(stage: dict[str, Any]) -> None:
    assert firewall_lockouts(OPENINGS, [through(**stage)], ["known"]) == []


@pytest.mark.parametrize(
    ("stage", "remedy"),
    [
        (
            {"doors": door(51820)},
            "Add {port: 51820, protocol: udp, sources: [0.0.0.0/0, '::/0']} to hearth_open_ports, or",
        ),
        ({"doors": door(2222, protocol="tcp")}, "Add {port: 2222, protocol: tcp"),
        ({"doors": door(2222, "203.0.113.5")}, "add 203.0.113.5 to the sources of that port in hearth_open_ports"),
        ({"unknown": "it has no ports"}, "it has no ports. Have it open, and name wg0 in firewall_known_tunnels"),
    ],
)
def test_a_tunnel_that_would_be_closed_behind_us_is_named_with_the_remedy(stage: dict[str, Any], remedy: str) -> None:
    (sentence,) = firewall_lockouts(OPENINGS, [through(**stage)])
    assert "comes through wg0 (wireguard)" in sentence
    assert remedy in sentence


@pytest.mark.parametrize(
    ("closing", "locked_out"),
    [
        ([], False),
        (["allow from 0.0.0.0/0 to any port 51821 proto udp comment 'hearth.llm'"], False),
        (["allow 51820/udp comment 'hearth.llm vpn'"], True),
        (
            ['rule priority="2653" family="ipv4" source address="0.0.0.0/0" port port="51820" protocol="udp" accept'],
            True,
        ),
    ],
)
def test_behind_a_firewall_of_others_only_what_we_take_away_is_missed(closing: list[str], locked_out: bool) -> None:
    assert bool(firewall_lockouts(OPENINGS, [through(doors=door(51820))], [], closing)) is locked_out
    # Our own table guards what containers publish in any case.
    assert firewall_lockouts(OPENINGS, [through(kind="container", doors=door(51820))], [], closing)
