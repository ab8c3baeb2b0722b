# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports and protocols that a firewall shall open, checked and in one form: each with its protocol, and its sources apart for IPv4 and IPv6."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The numbers of the protocols, which hosts without /etc/protocols do not know by their names.
NUMBERS = {"tcp": 6, "udp": 17, "vrrp": 112}
# Of those that have none, the whole protocol is open.
WITH_PORTS = ("tcp", "udp")
# What can stand in a comment of nftables and ufw alike.
COMMENT = re.compile(r"[\w .,:;/()+@=-]{0,80}")
INTERFACE = re.compile(r"[A-Za-z0-9._@-]{0,15}")
RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
LAST_PORT = 65535


def firewall_openings(ports: Iterable[Mapping[str, Any]], sources: Iterable[str]) -> list[dict[str, Any]]:
    findings: list[str] = []
    openings = [_opening(port, sources, findings) for port in ports]
    if findings:
        raise AnsibleFilterError("firewall_open_ports: " + "; ".join(findings) + ".")
    return sorted(openings, key=lambda opening: (opening["protocol"], opening["first"], opening["last"]))


def _opening(port: Mapping[str, Any], sources: Iterable[str], findings: list[str]) -> dict[str, Any]:
    text, protocol, comment = str(port.get("port", "")), port.get("protocol", "tcp"), port.get("comment", "")
    found = RANGE.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if protocol not in NUMBERS:
        findings.append(f"{text}: '{protocol}' is no protocol: write {', '.join(NUMBERS)}")
    if protocol in NUMBERS and protocol not in WITH_PORTS:
        first = last = 0
        if text:
            findings.append(f"{text}: {protocol} has no ports: leave the port out")
    elif not 1 <= first <= last <= LAST_PORT:
        findings.append(f"'{text}' is no port: write a number, or a range such as 8000-8010")
    if not COMMENT.fullmatch(comment):
        findings.append(
            f"{text}: the comment '{comment}' is longer than 80 characters, or has one that cannot stand in a rule"
        )
    interface = port.get("interface", "")
    if not INTERFACE.fullmatch(interface):
        findings.append(f"{text}: '{interface}' is no name of an interface: write it as 'ip link' does")
    return {
        "first": first,
        "last": last,
        "protocol": protocol,
        "number": NUMBERS.get(protocol, 0),
        "sources": _sources(text, port.get("sources", sources), findings),
        # Where it alone is open; empty for all.
        "interface": interface,
        "comment": comment,
    }


def _sources(port: str, sources: Iterable[str], findings: list[str]) -> dict[str, list[str]]:
    networks: dict[int, list[Any]] = {4: [], 6: []}
    for source in sources:
        try:
            network: IPv4Network | IPv6Network = ip_network(source)
        except ValueError as error:
            findings.append(
                f"{port}: the source {error}: write an address or a network, such as 192.168.0.0/16 or fd00::/8"
            )
        else:
            networks[network.version].append(network)
    return {
        f"ipv{version}": [str(network) for network in collapse_addresses(found)] for version, found in networks.items()
    }
