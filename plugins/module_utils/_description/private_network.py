# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_private_…: the network in which hosts that serve together reach each other."""

from __future__ import annotations

import ipaddress
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import ABSENT, Choice, Key, Kind, Text
from ansible_collections.hearth.llm.plugins.module_utils._description.special import Endpoint, Network, Port

RANGE = "10.212.0.0/16"
_OF_OTHERS = "write existing, and its interface as hearth_private_interface"


class PrivateRange(Network):
    """A network of our own, out of those that nobody has for himself in the world."""

    words = "a network of private IPv4 addresses"

    def _read(self, place: Place, value: Any) -> Any:
        read = super()._read(place, value)
        if read is ABSENT:
            return read
        network = ipaddress.ip_network(read)
        if network.version != 4 or network.is_global or network.prefixlen > 28:
            return self._refuse(place, value, f"write one with room for all hosts, such as {RANGE}")
        return read


class PrivateAddress(Kind):
    words = "an IPv4 address"

    def _read(self, place: Place, value: Any) -> Any:
        try:
            return str(ipaddress.IPv4Address(value if isinstance(value, str) else ""))
        except ValueError:
            return self._refuse(place, value, "write one such as 10.212.0.7")


PRIVATE_NETWORK = (
    Key(
        "hearth_private_network",
        Choice(
            "wireguard",
            "existing",
            "none",
            also={
                "wg": "write wireguard",
                "true": "write wireguard",
                "false": "write none",
                "tailscale": _OF_OTHERS,
                "zerotier": _OF_OTHERS,
                "openvpn": _OF_OTHERS,
                "vpn": f"write wireguard; where there is one already, {_OF_OTHERS}",
            },
        ),
        "how hosts that serve together reach each other: by a network that is made for them, by one that is there, or not at all",
        default="wireguard where hosts do different things, else none",
    ),
    Key(
        "hearth_private_network_range",
        PrivateRange(),
        "the addresses of the hosts in the network that is made for them",
        value=RANGE,
    ),
    Key("hearth_private_network_port", Port(), "the UDP port of the host at which its peers come in", value=51820),
    Key(
        "hearth_private_interface",
        Text("the name of an interface", pattern=r"[A-Za-z0-9._@-]{1,15}", rule="write it as 'ip link' does"),
        "the interface of the host in a network that is there already",
        default="none",
    ),
    Key(
        "hearth_private_endpoint",
        Endpoint(),
        "where its peers reach the host, before there is a network; empty where they cannot, so that it always comes to them",
        default="ansible_host",
    ),
    Key(
        "hearth_private_address",
        PrivateAddress(),
        "the address of the host in the private network",
        default="derived from its name; of an interface that is there, its own",
    ),
)
