# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets of TCP and UDP as the kernel lists them, and the processes that hold them."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

_ESTABLISHED, _LISTEN = "01", "0A"


@dataclass(frozen=True)
class Socket:
    protocol: str
    address: str
    port: int
    peer: str
    peer_port: int
    state: str
    inode: str

    @property
    def listens(self) -> bool:
        return self.protocol == "tcp" and self.state == _LISTEN

    @property
    def connected(self) -> bool:
        return self.state == _ESTABLISHED

    @property
    def on_loopback(self) -> bool:
        return ipaddress.ip_address(self.address).is_loopback


def sockets(host: Host, network: str = "/proc/net", protocols: Iterable[str] = ("tcp", "udp")) -> list[Socket]:
    """What is in the network that these files are of: ours, or that of a process."""
    return [
        socket for protocol in protocols for table in ("", "6") for socket in _table(host, network, protocol, table)
    ]


def owners(host: Host, inodes: set[str]) -> dict[str, str]:
    """Inode of a socket to the process that holds it; without root only for our own processes."""
    found: dict[str, str] = {}
    if not inodes:
        return found
    for pid in filter(str.isdigit, host.names("/proc")):
        for inode in held(host, pid) & inodes:
            found.setdefault(inode, pid)
    return found


def held(host: Host, pid: str) -> set[str]:
    """The sockets that a process holds, by their inodes."""
    links = (host.link(f"/proc/{pid}/fd/{descriptor}") for descriptor in host.names(f"/proc/{pid}/fd"))
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def plain(address: str) -> str:
    """An address of IPv4 as such, also where a socket of IPv6 has it."""
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def _table(host: Host, network: str, protocol: str, version: str) -> Iterator[Socket]:
    for line in host.read(f"{network}/{protocol}{version}").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9:
            yield Socket(protocol, *_endpoint(fields[1]), *_endpoint(fields[2]), fields[3], fields[9])


def _endpoint(text: str) -> tuple[str, int]:
    """The kernel writes addresses as words in its own byte order."""
    address, _colon, port = text.partition(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    return plain(str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))), int(port, 16)
