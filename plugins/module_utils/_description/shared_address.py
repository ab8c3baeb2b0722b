# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_shared_…: one address for several gateways."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Key, Kind, Text

_WRITTEN = re.compile(r"[0-9.]+/[0-9]{1,2}")
_EXAMPLE = "192.0.2.10/24"


class AddressInNetwork(Kind):
    """An address that a host may be given, with the length of its network."""

    words = "an IPv4 address with the length of its network"

    def _read(self, place: Place, value: Any) -> Any:
        text = value if isinstance(value, str) else ""
        try:
            address = ipaddress.IPv4Interface(text if _WRITTEN.fullmatch(text) else "")
        except ValueError:
            return self._refuse(place, value, self._remedy(text.strip()))
        ip, network = address.ip, address.network
        if ip.is_loopback or ip.is_multicast or ip.is_unspecified or ip.is_reserved or ip.is_link_local:
            return self._refuse(place, value, "write one that clients reach, out of the network of the gateways")
        if network.prefixlen < 31 and ip in (network.network_address, network.broadcast_address):
            return self._refuse(place, value, "that is the network's own; write one that a host may have")
        return str(value)

    @staticmethod
    def _remedy(text: str) -> str:
        try:
            bare = ipaddress.ip_address(text.partition("/")[0].strip("[]"))
        except ValueError:
            return f"write it such as {_EXAMPLE}"
        if bare.version == 6:
            return f"gateways share an IPv4 address: write one such as {_EXAMPLE}"
        return f"write it with the length of its network, such as {bare}/24"


SHARED_ADDRESS = (
    Key(
        "hearth_shared_address",
        AddressInNetwork(),
        "the address at which several gateways are one: whichever of them answers has it",
        default="none",
    ),
    Key(
        "hearth_shared_interface",
        Text("the name of an interface", pattern=r"[A-Za-z0-9._@-]{1,15}", rule="write it as 'ip link' does"),
        "the interface of a gateway that is to have it",
        default="the one in whose network it is",
    ),
)
