# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import HostFirewall, uplinks

ADDED = """Added user rules (see 'ufw status' for running firewall):
ufw allow 22/tcp
ufw allow from 10.0.0.0/8 to any port 443 proto tcp comment 'hearth.llm gateway'
"""
OURS = 'rule priority="2653" family="ipv4" source address="10.0.0.0/8" port port="443" protocol="tcp" accept'


def host(**programs: tuple[int, str, str]) -> HostFirewall:
    """A host with these programs; each word stands for the command that begins with it."""

    def run(command: list[str], **_options: Any) -> tuple[int, str, str]:
        for words, answer in programs.items():
            if " ".join(command).replace("-", "_").startswith(words.replace("__", " ")):
                return answer
        raise FileNotFoundError(command[0])

    return HostFirewall(run)


@pytest.mark.parametrize(
    ("programs", "provider"),
    [
        ({}, "nftables"),
        ({"ufw__status": (0, "Status: inactive\n", "")}, "nftables"),
        ({"ufw__status": (0, "Status: active\n\nTo  Action", "")}, "ufw"),
        ({"firewall_cmd": (252, "not running", "")}, "nftables"),
        ({"firewall_cmd": (0, "running", ""), "ufw__status": (0, "Status: inactive", "")}, "firewalld"),
    ],
)
def test_the_one_that_is_active_is_in_charge(programs: dict[str, tuple[int, str, str]], provider: str) -> None:
    assert host(**programs).provider() == provider


def test_our_rules_are_told_from_those_of_others() -> None:
    ours, theirs = host(ufw__show__added=(0, ADDED, "")).rules("ufw")
    assert ours == ["allow from 10.0.0.0/8 to any port 443 proto tcp comment 'hearth.llm gateway'"]
    assert theirs == ["allow 22/tcp"]
    listed = f'rule family="ipv4" port port="80" protocol="tcp" accept\n{OURS}\n'
    assert host(firewall_cmd=(0, listed, "")).rules("firewalld") == ([OURS], [])


def test_an_old_ufw_does_not_know_a_protocol_without_ports() -> None:
    old = host(ufw=(1, "", "ERROR: Unsupported protocol 'vrrp'\n"))
    assert old.unknown_protocols("ufw") == ["vrrp"]
    assert old.unknown_protocols("firewalld") == []
    assert host(ufw=(0, "", "")).unknown_protocols("ufw") == []


def test_a_firewall_that_is_broken_says_so() -> None:
    with pytest.raises(HearthError, match="'ufw status' ended with 1: ERROR: problem running"):
        host(ufw__status=(1, "", "ERROR: problem running\n")).provider()


def test_uplinks_are_the_interfaces_of_default_routes(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
    )
    assert uplinks(str(tmp_path)) == ["eth0"]
    zeros = "0" * 32
    (tmp_path / "ipv6_route").write_text(
        f"{zeros} 00 {zeros} 00 {zeros} 00000400 0 0 00000003     br-lan\n{zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 00200200       lo\n"
    )
    assert uplinks(str(tmp_path)) == ["br-lan", "eth0"]
