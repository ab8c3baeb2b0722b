# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that carry connections: those behind a tun device, and those that ask our SSH server on loopback. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._sockets import Socket, held, owners, sockets
from ansible_collections.hearth.llm.plugins.module_utils._way_in.stage import Door, Stage

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# They find their peers from inside, by servers of their own, and need no open port on either side.
FROM_INSIDE = ("tailscaled", "zerotier-one", "netbird", "cloudflared", "warp-svc")


def by_device(host: Host, device: str) -> Stage:
    """The program that has this tun device open."""
    for pid in filter(str.isdigit, host.names("/proc")):
        for descriptor in host.names(f"/proc/{pid}/fd"):
            if host.link(f"/proc/{pid}/fd/{descriptor}") != "/dev/net/tun":
                continue
            fields = dict(
                line.partition(":\t")[::2] for line in host.read(f"/proc/{pid}/fdinfo/{descriptor}").splitlines()
            )
            if fields.get("iff", "").strip() == device:
                return _of(host, pid, device) or Stage(
                    device, "tunnel", unknown=f"its program, {_name(host, pid)}, has no socket that can be seen"
                )
    return Stage(device, "tunnel", unknown="no program can be seen that has it open")


def by_socket(host: Host, client: str, client_port: int) -> Stage | None:
    """The program that has come to us over loopback; nothing where it came from nowhere else."""
    for socket in sockets(host, protocols=("tcp",)):
        if (socket.address, socket.port) == (client, client_port) and socket.connected:
            pid = owners(host, {socket.inode}).get(socket.inode)
            return _of(host, pid, _name(host, pid)) if pid else None
    return None


def listened(host: Host) -> set[int]:
    """TCP ports on which something can be reached from elsewhere."""
    return {socket.port for socket in sockets(host, protocols=("tcp",)) if socket.listens and not socket.on_loopback}


def _of(host: Host, pid: str, name: str) -> Stage | None:
    kind = _name(host, pid)
    inodes = held(host, pid)
    # A program may live in a network of its own.
    own = [socket for socket in sockets(host, f"/proc/{pid}/net") if socket.inode in inodes and not socket.on_loopback]
    doors = () if kind in FROM_INSIDE else _doors(host, own)
    if doors:
        return Stage(name, kind, doors)
    # What is in use from inside is named, too: it goes on while new rules are on trial.
    used = tuple({Door(socket.protocol, socket.port) for socket in own if socket.protocol == "udp" or socket.connected})
    return Stage(name, kind, used, outgoing=True) if own or kind in FROM_INSIDE else None


def _doors(host: Host, own: list[Socket]) -> tuple[Door, ...]:
    ports, passing = listened(host), _ephemeral(host)
    taken = [socket for socket in own if socket.protocol == "tcp" and socket.connected and socket.port in ports]
    waiting = [socket for socket in own if socket.listens] if not taken else []
    # Whoever asks gets a port of this range from the kernel; whoever is asked has chosen one.
    chosen = [socket for socket in own if socket.protocol == "udp" and socket.port not in passing]
    return tuple(
        sorted(
            {
                Door(socket.protocol, socket.port, socket.peer if socket.connected else "")
                for socket in [*taken, *waiting, *chosen]
            },
            key=lambda door: (door.protocol, door.port, door.source),
        )
    )


def _ephemeral(host: Host) -> range:
    first, last = (host.word("/proc/sys/net/ipv4/ip_local_port_range").split() or ["32768", "60999"])[:2]
    return range(int(first), int(last) + 1)


def _name(host: Host, pid: str) -> str:
    return host.word(f"/proc/{pid}/comm")
