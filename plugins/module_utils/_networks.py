# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks a host is in, and what it knows of names."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Callable

    Ask = Callable[..., str]


def links(ask: Ask) -> dict[str, dict[str, Any]]:
    """What `ip` says of each interface, by its name."""
    told = json.loads(ask("ip", "-json", "-details", "address", "show") or "[]")
    return {link["ifname"]: link for link in told if "ifname" in link}


def addresses(link: dict[str, Any]) -> list[str]:
    """Those of IPv4, as address/length."""
    return [f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", ()) if one.get("family") == "inet"]


def resolve(name: str) -> list[str]:
    """The addresses of a name, or of itself; none where the host does not know it. Always in one order, those of IPv4 first: servers of names change it."""
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(name, None, proto=socket.IPPROTO_UDP)}
    except (OSError, UnicodeError):
        return []
    return sorted(found, key=lambda address: (":" in address, address))
