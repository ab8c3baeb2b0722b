# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which ports people come in by SSH, asked from the host itself. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._sockets import owners, sockets

if TYPE_CHECKING:
    from typing import Callable

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

    Ask = Callable[..., str]

SERVERS = ("sshd", "dropbear", "tinysshd")
# Sockets that systemd holds for a server which it starts with the first connection.
UNITS = ("ssh*.socket", "dropbear*.socket", "tinysshd*.socket")
LISTENS = re.compile(r"(\S+):(\d+) \(Stream\)")


def ssh_listeners(host: Host, ask: Ask) -> list[dict[str, Any]]:
    """Address and port of each SSH server that others can reach."""
    listening = [socket for socket in sockets(host, protocols=("tcp",)) if socket.listens and not socket.on_loopback]
    pids = owners(host, {socket.inode for socket in listening})
    by_systemd = _of_units(ask) if "1" in pids.values() else set()
    found = {
        (socket.address, socket.port)
        for socket in listening
        if _is_server(host, pids.get(socket.inode)) or (pids.get(socket.inode) == "1" and socket.port in by_systemd)
    }
    return [{"address": address, "port": port} for address, port in sorted(found, key=lambda entry: entry[::-1])]


def ssh_connections(host: Host, listeners: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who is in at the moment."""
    ports = {listener["port"] for listener in listeners}
    return [
        {
            "client_address": socket.peer,
            "client_port": socket.peer_port,
            "server_address": socket.address,
            "server_port": socket.port,
        }
        for socket in sockets(host, protocols=("tcp",))
        if socket.connected and socket.port in ports and not socket.on_loopback
    ]


def _is_server(host: Host, pid: str | None) -> bool:
    return bool(pid) and host.word(f"/proc/{pid}/comm") in SERVERS


def _of_units(ask: Ask) -> set[int]:
    return {int(port) for _address, port in LISTENS.findall(ask("systemctl", "show", "--property=Listen", *UNITS))}
