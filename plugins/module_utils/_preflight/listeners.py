# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens where: sockets and their processes, and ports that the Docker engine publishes. PRIVATE to the collection."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._preflight.engine import ask_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._preflight.host import Host

LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    address: str
    port: int
    name: str
    ours: bool

    def covers(self, address: str, port: int) -> bool:
        """Whether somebody who wants this address and port is in the way, or we are in his."""
        if port != self.port:
            return False
        held, wanted = ipaddress.ip_address(self.address), ipaddress.ip_address(address)
        # A socket for all addresses of IPv6 takes those of IPv4 as well.
        if (held.is_unspecified and held.version == 6) or (wanted.is_unspecified and wanted.version == 6):
            return True
        return held.version == wanted.version and (held == wanted or held.is_unspecified or wanted.is_unspecified)


def listeners(host: Host, ports: set[int], directory: str) -> list[Listener]:
    """Who holds these ports; what runs from below the directory, or mounts some of it, is ours."""
    published = list(_published(host, directory))
    taken = {(listener.address, listener.port) for listener in published}
    sockets = [entry for entry in _sockets(host) if entry[1] in ports and entry[:2] not in taken]
    return [listener for listener in published if listener.port in ports] + list(_named(host, sockets, directory))


def _published(host: Host, directory: str) -> Iterator[Listener]:
    for container in ask_engine(host, "/containers/json") or []:
        name = "the container " + str((container.get("Names") or ["?"])[0]).lstrip("/")
        ours = any(_below(mount.get("Source", ""), directory) for mount in container.get("Mounts") or [])
        for port in container.get("Ports") or []:
            if port.get("PublicPort") and port.get("Type") == "tcp":
                yield Listener(port.get("IP") or "0.0.0.0", port["PublicPort"], name, ours)


def _sockets(host: Host) -> Iterator[tuple[str, int, str]]:
    """Address, port and inode of everything that listens."""
    for table in ("tcp", "tcp6"):
        for line in host.read(f"/proc/net/{table}").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == LISTEN:
                address, _colon, port = fields[1].partition(":")
                yield _address(address), int(port, 16), fields[9]


def _address(text: str) -> str:
    """The kernel writes addresses as words in its own byte order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    return str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))


def _named(host: Host, sockets: list[tuple[str, int, str]], directory: str) -> Iterator[Listener]:
    owners = _owners(host, {inode for _address_text, _port, inode in sockets})
    for address, port, inode in sockets:
        pid = owners.get(inode)
        if pid is None:
            yield Listener(address, port, "a process of another user", ours=False)
        else:
            name = f"{host.word(f'/proc/{pid}/comm')} (process {pid})"
            yield Listener(address, port, name, ours=_process_is_ours(host, pid, directory))


def _owners(host: Host, inodes: set[str]) -> dict[str, str]:
    """Inode of a socket to the process that holds it; without root only for our own processes."""
    owners: dict[str, str] = {}
    if not inodes:
        return owners
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    for pid in filter(str.isdigit, host.names("/proc")):
        for descriptor in host.names(f"/proc/{pid}/fd"):
            inode = wanted.get(host.link(f"/proc/{pid}/fd/{descriptor}"))
            if inode is not None:
                owners.setdefault(inode, pid)
    return owners


def _process_is_ours(host: Host, pid: str, directory: str) -> bool:
    words = host.read(f"/proc/{pid}/cmdline").split("\0")
    places = [host.link(f"/proc/{pid}/{name}") for name in ("exe", "cwd")]
    return any(_below(place, directory) for place in [*places, *words])


def _below(path: str, directory: str) -> bool:
    directory = directory.rstrip("/")
    return bool(directory) and (path == directory or f"{directory}/" in path)
