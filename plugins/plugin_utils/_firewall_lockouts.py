# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a firewall would lock out those who are in.

`closing` are rules of ufw or firewalld that will be removed, where one of them guards the host itself: nothing else is closed there but ports of containers.
None where all is closed that is not opened.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


def firewall_lockouts(
    openings: Collection[Mapping[str, Any]],
    connections: Iterable[Mapping[str, Any]],
    known_tunnels: Collection[str] = (),
    closing: Collection[str] | None = None,
) -> list[str]:
    found: list[str] = []
    for connection in connections:
        client, port = _address(connection["client_address"]), int(connection["server_port"])
        if not client.is_loopback and (closing is None or _closes(closing, "tcp", port)):
            found += _of_ssh(openings, client, port)
        for stage in connection.get("stages") or []:
            if stage["outgoing"] or stage["name"] in known_tunnels:
                continue
            way = f"The SSH connection from {client} comes through {stage['name']} ({stage['kind']})"
            # Ports of containers are ours to guard, whoever guards the host.
            ours = closing is None or stage["kind"] == "container"
            if stage["unknown"] and ours:
                found.append(
                    f"{way}, and what has to be open for that is not known: {stage['unknown']}. Have it open, and name"
                    f" {stage['name']} in firewall_known_tunnels."
                )
            for door in stage["doors"]:
                if ours or _closes(closing or (), door["protocol"], int(door["port"])):
                    found += _of_door(openings, way, stage["name"], door)
    return list(dict.fromkeys(found))


def _of_ssh(openings: Iterable[Mapping[str, Any]], client: IPv4Address | IPv6Address, port: int) -> Iterator[str]:
    sources = _sources(openings, "tcp", port, client.version)
    if sources is None:
        yield (
            f"The SSH connection from {client} goes to port {port}, which would be closed: set firewall_ssh_port to {port}."
        )
    elif not _holds(sources, client):
        yield (
            f"The SSH connection comes from {client}, and port {port} would be open to {_named(sources, client)}:"
            f" add {client} to firewall_ssh_sources."
        )


def _of_door(openings: Iterable[Mapping[str, Any]], way: str, name: str, door: Mapping[str, Any]) -> Iterator[str]:
    protocol, port = door["protocol"], int(door["port"])
    source = _address(door["source"]) if door["source"] else None
    sources = _sources(openings, protocol, port, source.version if source else None)
    kept_up = f"name {name} in firewall_known_tunnels if the host itself keeps it up from inside"
    if sources is None:
        yield (
            f"{way}, whose {protocol.upper()} port {port} would be closed: what runs now would go on, and after its first silence nobody"
            f" would come in again. Add {{port: {port}, protocol: {protocol}, sources: [0.0.0.0/0, '::/0']}} to"
            f" hearth_open_ports, or {kept_up}."
        )
    elif source and not source.is_loopback and not _holds(sources, source):
        yield (
            f"{way}, which comes from {source}, and its {protocol.upper()} port {port} would be open to {_named(sources, source)}:"
            f" add {source} to the sources of that port in hearth_open_ports, or {kept_up}."
        )


def _closes(closing: Iterable[str], protocol: str, port: int) -> bool:
    """Whether one of the rules that will go, in the words of ufw or firewalld, is one for this port."""
    return any(protocol in rule and re.search(rf"(?<![\d.:]){port}(?![\d.])", rule) for rule in closing)


def _sources(openings: Iterable[Mapping[str, Any]], protocol: str, port: int, version: int | None) -> list[str] | None:
    """From where a port would be open; None where it is closed."""
    fitting = [
        opening
        for opening in openings
        # What is open through one interface says nothing about how we come in.
        if opening["protocol"] == protocol and opening["first"] <= port <= opening["last"] and not opening["interface"]
    ]
    versions = [version] if version else [4, 6]
    return (
        [source for opening in fitting for each in versions for source in opening["sources"][f"ipv{each}"]]
        if fitting
        else None
    )


def _holds(sources: Iterable[str], address: IPv4Address | IPv6Address) -> bool:
    return any(address in ip_network(source) for source in sources)


def _named(sources: Collection[str], address: IPv4Address | IPv6Address) -> str:
    return ", ".join(sources) or f"no IPv{address.version} address at all"


def _address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
