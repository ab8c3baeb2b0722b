# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_openings import firewall_openings
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_rich_rules import firewall_rich_rules
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_ufw_rules import firewall_ufw_rules

LAN = ["192.168.0.0/16", "192.168.1.0/24", "fd00::/8"]


def test_ports_get_their_protocol_and_their_merged_sources_family_by_family() -> None:
    ports: list[dict[str, Any]] = [
        {"port": "8000-8010", "protocol": "udp", "interface": "hearth", "comment": "voice"},
        {"port": 22, "sources": ["10.0.0.7"]},
    ]
    assert firewall_openings(ports, LAN) == [
        {
            "first": 22,
            "last": 22,
            "protocol": "tcp",
            "number": 6,
            "sources": {"ipv4": ["10.0.0.7/32"], "ipv6": []},
            "interface": "",
            "comment": "",
        },
        {
            "first": 8000,
            "last": 8010,
            "protocol": "udp",
            "number": 17,
            "sources": {"ipv4": ["192.168.0.0/16"], "ipv6": ["fd00::/8"]},
            "interface": "hearth",
            "comment": "voice",
        },
    ]


def test_a_protocol_without_ports_is_open_as_a_whole_in_the_words_of_each_firewall() -> None:
    openings = firewall_openings(
        [{"protocol": "vrrp", "sources": ["192.0.2.12"], "interface": "eth0", "comment": "gateways"}], LAN
    )
    assert [(one["first"], one["last"], one["number"]) for one in openings] == [(0, 0, 112)]
    (rule,) = firewall_ufw_rules(openings)
    assert rule["line"] == "allow in on eth0 from 192.0.2.12 proto vrrp comment 'hearth.llm gateways'"
    from_anywhere = firewall_openings([{"protocol": "vrrp", "sources": ["0.0.0.0/0"]}], LAN)
    assert [rule["line"] for rule in firewall_ufw_rules(from_anywhere)] == [
        "allow to any proto vrrp comment 'hearth.llm'"
    ]
    (rich,) = firewall_rich_rules(openings)
    assert rich == 'rule priority="2653" family="ipv4" source address="192.0.2.12/32" protocol value="112" accept'


def test_everything_that_is_wrong_is_said_at_once() -> None:
    ports: list[dict[str, Any]] = [
        {"port": 70000},
        {"port": "9-8"},
        {"port": "http"},
        {"port": 1, "protocol": "icmp"},
        {"port": 2, "sources": ["192.168.1.1/24", "lan"]},
        {"port": 3, "comment": 'a" drop'},
        {"port": 4, "interface": 'a" accept'},
        {"port": 5, "protocol": "vrrp"},
    ]
    with pytest.raises(AnsibleFilterError) as caught:
        firewall_openings(ports, LAN)
    message = str(caught.value)
    for word in (
        "70000",
        "'9-8'",
        "'http'",
        "'icmp'",
        "192.168.1.1/24 has host bits set",
        "'lan'",
        "'a\" drop'",
        "'a\" accept'",
        "5: vrrp has no ports",
    ):
        assert word in message
