# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a host out of the private network, one sentence each, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, ip_address, ip_interface
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.members import Member

Described = Mapping[str, Any]
_LOOPBACK = "localhost"


def of_wireguard(
    found: Described, given: Described, network: IPv4Network, me: Member, members: Sequence[Member]
) -> Iterator[str]:
    # What is wrong with the network itself each of its hosts says, so that none of them begins.
    yield from _of_modes(given)
    yield from _of_addresses(network, members)
    yield from _of_one_place(members)
    yield from _of_the_host(found, me)
    yield from _of_the_way_in(found, given, network, me)
    for interface, there in found["interfaces"].items():
        mine = [text for text in there["addresses"] if ip_interface(text).network.overlaps(network)]
        if mine and interface != given["own_interface"]:
            yield (
                f"hearth_private_network_range is {network}, and {interface} of {me.name} has {', '.join(mine)}: choose a range of private addresses "
                "that no host has, for all hosts."
            )
    for other in members:
        if other is not me:
            yield from _of_endpoint(found, network, me, other)


def of_existing(found: Described, given: Described, there: Sequence[str], wanted: str) -> Iterator[str]:
    yield from _of_modes(given)
    name, host = given["interface"], given["host"]
    others = ", ".join(
        interface for interface, each in found["interfaces"].items() if each["addresses"] and interface != "lo"
    )
    if name == given["own_interface"]:
        yield (
            f"hearth_private_interface is {name}, which hearth_private_network: wireguard makes and anything else takes away: write wireguard, or name another "
            f"one that {host} has."
        )
    elif name not in found["interfaces"]:
        yield f"hearth_private_interface is {name or 'not described'}, and {host} has none of that name: it has {others or 'none with an address'}."
    elif not there:
        yield f"hearth_private_interface is {name}, and on {host} it has no IPv4 address: bring that network up there first, or name another one of {others}."
    elif not found["interfaces"][name]["up"]:
        yield f"hearth_private_interface is {name}, and on {host} it is down: bring that network up there first, or name another one of {others}."
    elif all(ip_address(address).is_loopback for address in there):
        yield f"hearth_private_interface is {name}, by which nobody else reaches {host}: name another one of {others}."
    elif wanted and wanted not in there:
        yield f"hearth_private_address is {wanted}, and {name} of {host} has {', '.join(there)}: write one of these, or take it away."
    # Of a network that is there, nobody knows from here which addresses the others have.
    needed = {other for port in given["open_ports"] for other in port["hosts"] if other != host}
    for other in given["hosts"]:
        if other["name"] in needed and not other["address"]:
            yield (
                f"hearth_private_address of {other['name']} is not described, and {host} opens ports to it alone: write which address it has in the network "
                f"of {name}."
            )


def _of_modes(given: Described) -> Iterator[str]:
    modes = {host["mode"]: host["name"] for host in given["hosts"]}
    if len(modes) > 1:
        said = " and ".join(f"{mode} for {name}" for mode, name in sorted(modes.items()))
        yield f"hearth_private_network is {said}: hosts that serve together need one, so write it in the variables of the group all."


def _of_the_host(found: Described, me: Member) -> Iterator[str]:
    by_hand = "or make a network there by yourself, and write hearth_private_network: existing"
    if not found["root"]:
        yield f"Only root may make a network on {me.name}: set ansible_become to true, {by_hand}."
    if not found["systemd"]:
        yield f"systemd does not run {me.name}, and nobody would bring the network up when it starts: {by_hand[3:]}."
    if not found["kernel"] and not found["tun"]:
        yield (
            f"The kernel of {me.name} has no WireGuard, and there is no /dev/net/tun for a program in its place: load one of the modules wireguard and tun, "
            f"let the container have the device, {by_hand}."
        )
    if found["port_taken"]:
        yield f"UDP port {me.port} of {me.name} is in use already: write another one as hearth_private_network_port of that host."


def _of_the_way_in(found: Described, given: Described, network: IPv4Network, me: Member) -> Iterator[str]:
    """Whether the run itself would lose its way to the host."""
    came = found["came_by"] or {"client_address": "", "server_address": ""}
    came_from, address = came["client_address"], str(found["running"].get("address", "")).partition("/")[0]
    if address and came["server_address"] == address:
        if address != me.address:
            yield (
                f"This run comes to {me.name} by {address} of {given['own_interface']}, which would be {me.address} then: set ansible_host to another "
                "address of the host."
            )
    elif came_from and ip_address(came_from) in network:
        yield (
            f"This run comes to {me.name} from {came_from}, and hearth_private_network_range is {network}, so that no answer would find back: choose a "
            "range of private addresses that nobody has who reaches the hosts, for all hosts."
        )


def _of_addresses(network: IPv4Network, members: Sequence[Member]) -> Iterator[str]:
    for address, names in _by(members, "address").items():
        if len(names) > 1:
            yield (
                f"{' and '.join(names)} would both be {address}: give the one that is new another address out of {network}, as hearth_private_address of that "
                "host."
            )
        if ip_address(address) not in network or ip_address(address) in (network[0], network[-1]):
            yield f"hearth_private_address of {names[0]} is {address}, and hearth_private_network_range is {network}: write one of its addresses."


def _of_one_place(members: Sequence[Member]) -> Iterator[str]:
    for place, names in _by(members, "reached_at").items():
        if place and len(names) > 1:
            yield (
                f"{' and '.join(names)} would both be looked for at {place}: where a router stands before them, give each a hearth_private_endpoint with a "
                "port of its own that it passes on, or an empty one to those that come by themselves."
            )


def _by(members: Sequence[Member], attribute: str) -> dict[str, list[str]]:
    """The names of hosts by what they have."""
    found: dict[str, list[str]] = {}
    for member in members:
        found.setdefault(getattr(member, attribute), []).append(member.name)
    return found


def _of_endpoint(found: Described, network: IPv4Network, me: Member, other: Member) -> Iterator[str]:
    if not other.endpoint:
        if not me.endpoint:
            yield (
                f"hearth_private_endpoint is empty for {me.name} and for {other.name}, so that none of them reaches the other: "
                "write for one of them where it is reached, such as the address of its router, which passes the port on."
            )
        return
    addresses = found["endpoints"].get(other.endpoint, [])
    if other.endpoint == _LOOPBACK or any(ip_address(address).is_loopback for address in addresses):
        yield f"{other.name} would be looked for at {other.endpoint}, which is {me.name} itself: write as hearth_private_endpoint where others reach it."
    elif not addresses:
        yield (
            f"{me.name} does not know where {other.endpoint} is: write as hearth_private_endpoint of {other.name} an address, or a name that is known "
            "to all hosts; an empty text where it cannot be reached from outside."
        )
    elif any(ip_address(address) in network for address in addresses):
        yield (
            f"{other.name} would be looked for at {other.endpoint}, which is in the private network itself: write as hearth_private_endpoint "
            "where it is without that network."
        )
