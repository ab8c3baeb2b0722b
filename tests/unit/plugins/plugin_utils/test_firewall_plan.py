# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.plugin_utils import _firewall_plan

CONNECTION: dict[str, Any] = {
    "client_address": "192.168.1.9",
    "server_address": "192.168.1.2",
    "server_port": 2200,
    "stages": [],
}
FOUND: dict[str, Any] = {
    "provider": "nftables",
    "wsl": "",
    "connection": CONNECTION,
    "sessions": [],
    "ssh_listeners": [{"port": 2200}, {"port": 22}, {"port": 22}],
    "foreign_rules": [],
    "merged_rules": [],
    "unknown_protocols": [],
    "uplinks": ["eth0"],
}
GIVEN: dict[str, Any] = {
    "state": "present",
    "provider": "auto",
    "ports": [{"port": 443}],
    "lan_sources": ["192.168.0.0/16"],
    "ssh_port": "auto",
    "ssh_sources": ["0.0.0.0/0"],
    "known_tunnels": [],
    "unproven": False,
    "container_interfaces": ["docker0", "br-*"],
    "connection": "ssh",
}
ALONE = {"connection": None}


def plan(found: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    return _firewall_plan.plan({**FOUND, **(found or {})}, {**GIVEN, **given})


@pytest.mark.parametrize(
    ("found", "given", "ports", "came_by_ssh"),
    [
        ({}, {}, [2200], True),
        ({}, {"ssh_port": "2222"}, [2222], True),
        # On the host itself, by ansible-pull or in somebody's session, nobody knows by which port the next one comes.
        ({}, {"connection": "local"}, [22, 2200], False),
        ({"connection": {**CONNECTION, "stages": None, "server_port": 2022}}, {}, [22, 2022, 2200], False),
        (ALONE, {}, [22, 2200], False),
        ({**ALONE, "ssh_listeners": []}, {}, [22], False),
    ],
)
def test_ssh_stays_open_where_we_came_in_or_else_wherever_one_can(
    found: dict[str, Any], given: dict[str, Any], ports: list[int], came_by_ssh: bool
) -> None:
    made = plan(found, **given)
    assert (made["ssh_ports"], made["came_by_ssh"]) == (ports, came_by_ssh)
    assert [one["first"] for one in made["openings"]] == sorted([*ports, 443])
    assert {one["first"]: one["sources"]["ipv4"] for one in made["openings"]}[ports[0]] == ["0.0.0.0/0"]


@pytest.mark.parametrize(
    ("found", "given", "wanted"),
    [
        ({}, {}, False),
        (ALONE, {}, True),
        (ALONE, {"unproven": True}, False),
        ({**ALONE, "ssh_listeners": []}, {}, False),
    ],
)
def test_somebody_on_the_host_tries_where_no_connection_of_ours_proves_anything(
    found: dict[str, Any], given: dict[str, Any], wanted: bool
) -> None:
    assert plan(found, **given)["needs_stranger"] is wanted


def test_an_ssh_server_that_would_be_closed_is_named() -> None:
    assert plan()["ssh_elsewhere"] == []
    assert plan(ssh_port=2222)["ssh_elsewhere"] == [2200, 22]


def test_of_our_rules_in_anothers_firewall_those_are_unwanted_that_are_not_described() -> None:
    theirs = {"provider": "ufw", "merged_rules": ["allow 80/tcp comment 'hearth.llm'"]}
    lines = [rule["line"] for rule in plan(theirs)["merged"]["ufw"]]
    assert plan(theirs)["unwanted"] == theirs["merged_rules"]
    assert plan({**theirs, "merged_rules": [*theirs["merged_rules"], *lines]})["unwanted"] == theirs["merged_rules"]
    assert set(plan({**theirs, "merged_rules": lines}, state="absent")["unwanted"]) == set(lines)
    rich = {"provider": "firewalld", "merged_rules": plan()["merged"]["firewalld"]}
    assert (plan(rich)["provider"], plan(rich)["unwanted"]) == ("firewalld", [])


def test_the_own_table_closes_all_and_anothers_firewall_what_we_take_away() -> None:
    (lockout,) = plan(ssh_port=22)["lockouts"]
    assert "goes to port 2200, which would be closed" in lockout
    assert plan({"provider": "ufw"}, ssh_port=22)["lockouts"] == []


def test_what_is_described_wrongly_is_no_obstacle_for_taking_rules_away() -> None:
    with pytest.raises(AnsibleFilterError, match="is no port"):
        plan(ports=[{"port": "https"}])
    assert plan(ports=[{"port": "https"}], state="absent")["openings"] == []


def test_tunnels_of_the_host_itself_and_uplinks_like_containers_are_seen() -> None:
    door = {"protocol": "udp", "port": 51820, "source": ""}
    stages = [
        {"name": "wg0", "kind": "tunnel", "outgoing": True, "unknown": "", "doors": [door]},
        {"name": "tun0", "kind": "tunnel", "outgoing": False, "unknown": "", "doors": []},
    ]
    assert plan({"connection": {**CONNECTION, "stages": stages}})["kept_up"] == [door]
    assert plan({"uplinks": ["eth0", "br-lan", "xbr-lan", "docker01"]})["mistaken_uplinks"] == ["br-lan"]


def test_a_distribution_of_wsl_is_left_to_windows_and_each_network_has_a_reason_of_its_own() -> None:
    assert plan()["left_to_windows"] == ""
    assert "has an address of Windows" in plan({"wsl": "nat"})["left_to_windows"]
    assert "loopback0" in plan({"wsl": "mirrored"})["left_to_windows"]


def test_what_the_firewall_in_charge_does_not_know_is_found() -> None:
    vrrp = [{"protocol": "vrrp", "sources": ["192.0.2.12"]}]
    assert plan({"unknown_protocols": ["vrrp"]}, ports=vrrp)["unknown_protocols"] == ["vrrp"]
    assert plan({"unknown_protocols": ["vrrp"]})["unknown_protocols"] == []
    assert plan(ports=vrrp)["unknown_protocols"] == []
