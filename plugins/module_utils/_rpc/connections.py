# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is connected to a worker, as the kernel shows it on the head's host, and on the worker's own.

A worker that serves somebody is not asked then, for whoever asks takes one of the few places in its queue until the worker looks there.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

_ESTABLISHED = "01"


class Connection(NamedTuple):
    """Both ends as host:port, the nearer one first."""

    own: str
    other: str


def established(host: Host) -> set[Connection]:
    """In all networks of the host, for each container has one of its own."""
    return {connection for table in _tables(host) for connection in _connections(host.read(table))}


def _tables(host: Host) -> Iterator[str]:
    seen = set()
    for name in host.names("/proc"):
        # What we may not look at has the empty name.
        network = host.link(f"/proc/{name}/ns/net") if name.isdigit() else ""
        if network and network not in seen:
            seen.add(network)
            yield f"/proc/{name}/net/tcp"


def _connections(table: str) -> Iterator[Connection]:
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == _ESTABLISHED:
            yield Connection(_address(fields[1]), _address(fields[2]))


def _address(written: str) -> str:
    """As the kernel writes it: the bytes of the address in the order of the machine."""
    address, _colon, port = written.partition(":")
    return f"{IPv4Address(struct.pack('=I', int(address, 16)))}:{int(port, 16)}"
