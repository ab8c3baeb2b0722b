# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens where: sockets and their processes, and ports that Docker publishes. PRIVATE to the collection."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._host.docker import ask_docker
from ansible_collections.hearth.llm.plugins.module_utils._sockets import owners, sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._sockets import Socket

# How the role service names containers.
PREFIX = "hearth-"
# The unit in a control group's path; sessions and scopes start nothing again.
UNIT = re.compile(r"/([^/\n]+\.service)$", re.MULTILINE)
# A service of ours, of whichever installation: its directory is the first group.
SERVICE = re.compile(r"((?:/[^/\s=:,]+)+?)/services/[^/\s]+(?:/|$)")


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
        try:
            held, wanted = ipaddress.ip_address(self.address), ipaddress.ip_address(address)
        except ValueError:
            # A name: what it leads to is seen when the port is tried.
            return False
        # A socket for all addresses of IPv6 takes those of IPv4 as well.
        if (held.is_unspecified and held.version == 6) or (wanted.is_unspecified and wanted.version == 6):
            return True
        return held.version == wanted.version and (held == wanted or held.is_unspecified or wanted.is_unspecified)


def listeners(host: Host, ports: set[int], directory: str) -> list[Listener]:
    """Who holds these ports; what runs from below the directory, or mounts some of it, is ours."""
    containers = ask_docker(host, "/containers/json") or []
    published = list(_published(containers, directory))
    taken = {(listener.address, listener.port) for listener in published}
    found = [
        socket
        for socket in sockets(host, protocols=("tcp",))
        if socket.listens and socket.port in ports and (socket.address, socket.port) not in taken
    ]
    return [listener for listener in published if listener.port in ports] + list(
        _named(host, found, containers, directory)
    )


def other_installations(host: Host, directory: str) -> Iterator[tuple[str, str]]:
    """Containers that bear a name of ours and belong elsewhere, running or not, each with its directory."""
    for container in ask_docker(host, "/containers/json?all=true") or []:
        name = str((container.get("Names") or ["?"])[0]).lstrip("/")
        found = [SERVICE.search(str(mount.get("Source", ""))) for mount in container.get("Mounts") or []]
        theirs = [match.group(1) for match in found if match and not below(match.group(1), directory)]
        if name.startswith(PREFIX) and theirs and len(theirs) == len([match for match in found if match]):
            yield name, theirs[0]


def _published(containers: list[dict[str, Any]], directory: str) -> Iterator[Listener]:
    for container in containers:
        sources = [str(mount.get("Source", "")) for mount in container.get("Mounts") or []]
        name = _container(container) + _installation(sources, directory)
        ours = any(below(source, directory) for source in sources)
        for port in container.get("Ports") or []:
            if port.get("PublicPort") and port.get("Type") == "tcp":
                yield Listener(port.get("IP") or "0.0.0.0", port["PublicPort"], name, ours)


def _named(host: Host, found: list[Socket], containers: list[dict[str, Any]], directory: str) -> Iterator[Listener]:
    pids = owners(host, {socket.inode for socket in found})
    for socket in found:
        pid = pids.get(socket.inode)
        if pid is None:
            yield Listener(socket.address, socket.port, "a process of another user", ours=False)
        else:
            words = _words(host, pid)
            name = f"{host.word(f'/proc/{pid}/comm')} ({_whereabouts(host, pid, containers)})"
            ours = any(below(word, directory) for word in words)
            yield Listener(socket.address, socket.port, name + _installation(words, directory), ours)


def _words(host: Host, pid: str) -> list[str]:
    """What says from where a process runs."""
    places = [host.link(f"/proc/{pid}/{name}") for name in ("exe", "cwd")]
    return [*places, *host.read(f"/proc/{pid}/cmdline").split("\0")]


def _whereabouts(host: Host, pid: str, containers: list[dict[str, Any]]) -> str:
    """What to stop: the process, and the unit or the container that would start it again."""
    group = host.read(f"/proc/{pid}/cgroup")
    for container in containers:
        if str(container.get("Id") or "-") in group:
            return f"process {pid}, {_container(container)}"
    unit = UNIT.search(group)
    return f"process {pid}, {unit.group(1)}" if unit else f"process {pid}"


def _container(container: dict[str, Any]) -> str:
    return "the container " + str((container.get("Names") or ["?"])[0]).lstrip("/")


def _installation(words: list[str], directory: str) -> str:
    """Whose it is, where it is a service of ours in another directory."""
    for word in words:
        found = SERVICE.search(word)
        if found and not below(found.group(1), directory):
            return f" of another installation, {found.group(1)}"
    return ""


def below(word: str, directory: str) -> bool:
    """Whether a path, or an option that names one, leads below the directory."""
    directory = directory.rstrip("/")
    return bool(directory) and re.search(rf"(?:^|[=:,'\"\s]){re.escape(directory)}(?:/|$)", word) is not None
