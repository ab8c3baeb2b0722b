# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard, in the kernel or as a program. PRIVATE to the collection."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._way_in.stage import Door, Stage
from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Interface

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Ask

# Where wg-quick, systemd-networkd (netplan writes for it, too) and NetworkManager keep their descriptions.
PLACES = (
    *("/etc/wireguard", "/etc/amnezia/amneziawg", "/etc/systemd/network", "/run/systemd/network"),
    *("/etc/NetworkManager/system-connections", "/run/NetworkManager/system-connections"),
)
SECTION = re.compile(r"^\s*\[", re.MULTILINE)
ENDPOINT = re.compile(r"^\s*endpoint\s*=", re.MULTILINE | re.IGNORECASE)
TIMEOUT = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream"


def by_wireguard(host: Host, ask: Ask, device: str, client: str) -> Stage | None:
    """Nothing where the device is no WireGuard's that `wg` can ask."""
    interface = Interface(ask, device, "awg" if device.startswith("awg") else "wg")
    port = interface.port()
    if not port:
        return None
    peers = interface.peers()
    peer = _peer({name: told["addresses"] for name, told in peers.items()}, client)
    source = _host_of(interface.table("endpoints").get(peer, ""))
    keepalive = peers[peer]["keepalive_seconds"] if peer else 0
    # The host makes the flow again, whoever has forgotten it, only where it knows by itself where to send, and sends before the flow is forgotten.
    outgoing = _is_told(host, peer) and 0 < keepalive <= _flow_seconds(host)
    return Stage(device, "wireguard", (Door("udp", port, source),), outgoing=outgoing)


def _peer(allowed: dict[str, list[str]], client: str) -> str:
    """The peer that packets to the client go to: that with the narrowest network."""
    address = ipaddress.ip_address(client)
    fitting = [
        (network.prefixlen, peer)
        for peer, networks in allowed.items()
        for network in map(ipaddress.ip_network, networks)
        if address in network
    ]
    return max(fitting)[1] if fitting else ""


def _host_of(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


def _is_told(host: Host, peer: str) -> bool:
    """Whether a description on this host says where the peer is; what was learned from its packets is lost with it."""
    if not peer:
        return False
    for place in PLACES:
        for name in host.names(place):
            for section in SECTION.split(host.read(f"{place}/{name}")):
                if peer in section and ENDPOINT.search(section):
                    return True
    return False


def _flow_seconds(host: Host) -> int:
    return int(host.word(TIMEOUT) or 120)
