# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway has to do with the address that it shares, from what was found on the host and what is described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_interface
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed

Described = Mapping[str, Any]
# 0 is no number of a virtual router.
_INSTEAD_OF_0 = 255


def plan(found: Described, given: Described) -> dict[str, Any]:
    """`given` are the inputs of the role, and `host` is this one."""
    shared = ip_interface(given["address"])
    names = [host["name"] for host in given["hosts"]]
    me = given["hosts"][names.index(given["host"])]
    own = _own(found, str(shared.ip), me)
    peers = [
        {"name": other["name"], "address": _first_of_ipv4(found["endpoints"].get(other["address"], []))}
        for other in given["hosts"]
        if other is not me
    ]
    known = [peer["address"] for peer in peers if peer["address"]]
    return {
        "address": str(shared.ip),
        "with_length": str(shared),
        "interface": found["interface"],
        "own_address": own,
        "peers": peers,
        "router_id": int(given["router_id"]) or shared.ip.packed[-1] or _INSTEAD_OF_0,
        "packages": [] if found["keepalived"] else ["keepalived"],
        "openings": [
            {
                "protocol": "vrrp",
                "sources": known,
                "interface": found["interface"],
                "comment": "gateways that share an address",
            }
        ]
        if known
        else [],
        "findings": list(_findings(found, given, str(shared.ip), own, me, peers)),
    }


def _findings(
    found: Described, given: Described, shared: str, own: str, me: Described, peers: Sequence[Described]
) -> Iterator[str]:
    host, interface = given["host"], found["interface"]
    if not found["root"]:
        yield f"Only root may give {host} an address that it shares: set ansible_become to true, or take hearth_shared_address away."
    if not found["systemd"]:
        yield f"systemd does not run {host}, and nobody would keep keepalived running there: take hearth_shared_address away."
    there = ", ".join(
        f"{name} with {' and '.join(one['addresses'])}"
        for name, one in found["interfaces"].items()
        if one["addresses"] and name != "lo"
    )
    if not interface:
        yield (
            f"hearth_shared_address is {given['address']}, and {host} is in no network that has it ({there or 'it has no address'}): correct it, or write "
            "as hearth_shared_interface of that host which interface is to have it."
        )
        return
    if interface not in found["interfaces"]:
        yield f"hearth_shared_interface is {interface}, and {host} has none of that name: it has {there or 'none with an address'}."
        return
    if not own:
        yield f"{interface} of {host} has no IPv4 address of its own, by which other gateways know it: give it one, or name another one of {there}."
        return
    if shared in _addresses(found, interface) and not found["running"]:
        yield f"hearth_shared_address is {given['address']}, and {host} has it as an address of its own: take it away there, or write one that no host has."
    if _is_literal(me["address"]) and me["address"] not in _addresses(found, interface):
        yield (
            f"The other gateways look for {host} at {me['address']}, and its {interface} has {listed(_addresses(found, interface))}: "
            "write where it is in that network as hearth_private_endpoint of that host."
        )
    networks = [ip_interface(text).network for text in found["interfaces"][interface]["addresses"]]
    among = listed([str(network) for network in networks])
    for peer, other in zip(peers, [one for one in given["hosts"] if one is not me], strict=True):
        if not peer["address"]:
            yield (
                f"{host} does not know where {other['address']} is: write an address as hearth_private_endpoint of {peer['name']}, "
                "or a name that is known to all gateways."
            )
        elif not any(ip_address(peer["address"]) in network for network in networks):
            yield (
                f"{peer['name']} is looked for at {peer['address']}, and {interface} of {host} is in {among}: it can only be shared "
                f"in one network, so write where {peer['name']} is in it as hearth_private_endpoint of that host."
            )
    strangers = set(found["having"].get(shared, ())) - {
        hardware for address, all_of_it in found["having"].items() if address != shared for hardware in all_of_it
    }
    if strangers:
        yield (
            f"hearth_shared_address is {given['address']}, and {listed(sorted(strangers))}, which is no gateway, has it in the network of {interface}: "
            "write one that nobody has, and keep it out of what a DHCP server gives away."
        )


def _own(found: Described, shared: str, me: Described) -> str:
    """The address by which the others know this host: the one at which they look for it, else its first one beside the shared one."""
    mine = [address for address in _addresses(found, found["interface"]) if address != shared]
    looked_for = found["endpoints"].get(me["address"], [])
    return next((address for address in mine if address in looked_for), next(iter(mine), ""))


def _addresses(found: Described, interface: str) -> list[str]:
    return [str(ip_interface(text).ip) for text in found["interfaces"].get(interface, {}).get("addresses", [])]


def _first_of_ipv4(addresses: Sequence[str]) -> str:
    return next((text for text in addresses if (one := ip_address(text)).version == 4 and not one.is_loopback), "")


def _is_literal(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
