# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's part of the private network is to be, from what was found on the host and what is described. No key that is secret comes here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, ip_interface
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._exposure.finding import endpoint
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network import findings
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.addresses import address_of
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.members import Member

Described = Mapping[str, Any]

# What WireGuard puts around each packet, over IPv6.
_OVERHEAD = 80
_LEAST_MTU, _USUAL_MTU = 1280, 1500
_EVERYBODY = ["0.0.0.0/0", "::/0"]


def plan(found: Described, given: Described) -> dict[str, Any]:
    """`given` are the inputs of the role, `host` is this one, and `public_keys` are those of all hosts by their names, once they are there."""
    if given["mode"] == "existing":
        return _existing(found, given)
    network = _network(given["range"])
    keys = given.get("public_keys") or {}
    members = [
        Member(
            **{**host, "address": host["address"] or address_of(host["name"], network)},
            public_key=keys.get(host["name"], ""),
        )
        for host in given["hosts"]
    ]
    me = next(member for member in members if member.name == given["host"])
    others = [member for member in members if member is not me]
    userspace = not found["kernel"]
    mtu = int(given["mtu"]) or max(_LEAST_MTU, (found["uplink_mtu"] or _USUAL_MTU) - _OVERHEAD)
    peers = [_peer(found, me, other, int(given["keepalive_seconds"])) for other in others]
    running = found["running"]
    wanted = {"address": f"{me.address}/{network.prefixlen}", "mtu": mtu, "userspace": userspace}
    there = running.get("peers", {})
    return {
        "address": me.address,
        "interface": given["own_interface"],
        "prefix_length": network.prefixlen,
        "mtu": mtu,
        "port": me.port,
        "userspace": userspace,
        "packages": [
            *(["wireguard-tools"] if not found["wg"] else []),
            *(["wireguard-go"] if userspace and not found["wireguard_go"] else []),
        ],
        "peers": peers,
        "restart": any(running.get(name) != value for name, value in wanted.items()),
        "reload": _differs(running, me, peers),
        "come": [peer["name"] for peer in peers if peer["public_key"] not in there],
        "go": sorted(there.keys() - {peer["public_key"] for peer in peers}),
        "openings": [
            *_way_in(found, me, others),
            *_over_the_network(given, {one.name: one.address for one in members}, given["own_interface"]),
        ],
        "findings": list(findings.of_wireguard(found, given, network, me, members)),
    }


def _existing(found: Described, given: Described) -> dict[str, Any]:
    name = given["interface"]
    there = [str(ip_interface(text).ip) for text in found["interfaces"].get(name, {}).get("addresses", [])]
    me = next(host for host in given["hosts"] if host["name"] == given["host"])
    wanted = me["address"]
    address = wanted if wanted in there else next(iter(there), "")
    return {
        "address": address,
        "interface": name,
        "openings": _over_the_network(given, {host["name"]: host["address"] for host in given["hosts"]}, name),
        "findings": list(findings.of_existing(found, given, there, wanted)),
    }


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise AnsibleFilterError(
            f"private_network_range is {text!r}, and it has to be a network of IPv4 such as 10.212.0.0/16 ({error})."
        ) from error


def _peer(found: Described, me: Member, other: Member, keepalive: int) -> dict[str, Any]:
    # One name that is not known when the host starts, and WireGuard would take no peer at all: it is told addresses.
    known = found["endpoints"].get(other.endpoint) or [other.endpoint]
    return {
        "name": other.name,
        "public_key": other.public_key,
        "address": other.address,
        "endpoint": other.reached_at,
        "told_endpoint": endpoint(known[0], other.endpoint_port) if other.endpoint else "",
        # Whoever cannot be reached keeps the way back to itself open.
        "keepalive_seconds": 0 if me.endpoint else keepalive,
    }


def _differs(running: Described, me: Member, peers: Sequence[Described]) -> bool:
    """Whether what runs is told something else than what is described. Where a peer is at the moment is learned from its packets, and no difference."""
    told = {
        peer["public_key"]: {"addresses": [f"{peer['address']}/32"], "keepalive_seconds": peer["keepalive_seconds"]}
        for peer in peers
    }
    ours = {"public_key": me.public_key, "port": me.port, "peers": told}
    return any(running.get(name) != value for name, value in ours.items())


def _way_in(found: Described, me: Member, others: Sequence[Member]) -> list[dict[str, Any]]:
    """The port of WireGuard itself, open to where peers are. One that nobody reaches from outside comes from anywhere."""
    known = [address for other in others if other.endpoint for address in found["endpoints"].get(other.endpoint, [])]
    sources = _EVERYBODY if any(not other.endpoint for other in others) else sorted(set(known))
    if not sources:
        return []
    return [{"port": me.port, "protocol": "udp", "sources": sources, "comment": "private network"}]


def _over_the_network(given: Described, addresses: Mapping[str, str], interface: str) -> list[dict[str, Any]]:
    """Ports of this host that others have over the network: each to those that are named, and through the interface alone."""
    openings = []
    for port in given["open_ports"]:
        known = [addresses[name] for name in port["hosts"] if name != given["host"] and addresses.get(name)]
        if known:
            openings.append(
                {
                    "port": port["port"],
                    "protocol": port.get("protocol", "tcp"),
                    "sources": [f"{address}/32" for address in known],
                    "interface": interface,
                    "comment": port.get("comment", ""),
                }
            )
    return openings
