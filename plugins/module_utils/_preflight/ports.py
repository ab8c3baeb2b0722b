# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ports that we want are free, or held by what we started ourselves. PRIVATE to the collection."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._host.listeners import (
    Listener,
    listeners,
    other_installations,
)
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import error, ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import Finding
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Port, Wanted


def check_ports(host: Host, wanted: Wanted) -> Iterator[Finding]:
    if not wanted.ports:
        return
    there = listeners(host, {port.port for port in wanted.ports}, wanted.directory)
    for number, port in enumerate(wanted.ports):
        rivals = [other for other in wanted.ports[:number] if _in_the_way(other, port)]
        if rivals:
            yield error(
                f"port:{port.endpoint}:{port.purpose or number}",
                f"{port.title} is wanted for {_named(rivals[0])} as well ({rivals[0].endpoint}): {port.remedy}.",
                address=port.address,
                port=port.port,
                purpose=port.purpose,
                ours=False,
            )
            continue
        addresses = _addresses(port.address)
        holders = [listener for listener in there if any(listener.covers(address, port.port) for address in addresses)]
        yield _check_port(port, holders, wanted)


def _named(port: Port) -> str:
    return f"the {port.purpose}" if port.purpose else "something else"


def _in_the_way(one: Port, other: Port) -> bool:
    """Whether both are wanted at one place."""
    return any(
        Listener(address, one.port, "", ours=True).covers(another, other.port)
        for address in _addresses(one.address)
        for another in _addresses(other.address)
    )


def _addresses(address: str) -> list[str]:
    """Of a name, what it leads to on this host; nothing where that is nowhere."""
    if address in ("", "*"):
        return ["0.0.0.0"]
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []


def _check_port(port: Port, holders: list[Listener], wanted: Wanted) -> Finding:
    id_ = f"port:{port.endpoint}"
    names = sorted({holder.name for holder in holders})
    data = {"address": port.address, "port": port.port, "purpose": port.purpose, "held_by": names}
    foreign = sorted({holder.name for holder in holders if not holder.ours})
    if foreign:
        return error(
            id_,
            f"{port.title} is held by {' and '.join(foreign)}: stop that, or {port.remedy}.",
            ours=False,
            **data,
        )
    if holders:
        return ok(id_, f"{port.title} is held by our own {' and '.join(names)}.", ours=True, **data)
    return _try_port(id_, port, wanted, data)


def _try_port(id_: str, port: Port, wanted: Wanted, data: dict[str, object]) -> Finding:
    """Nobody is seen there; the kernel has the last word."""
    try:
        _bind(port)
    except OSError as problem:
        if problem.errno == errno.EACCES:
            # Where Docker publishes the port, it does so as root.
            if not wanted.docker:
                return error(id_, f"{port.title} needs root: {port.remedy}, from 1024 up.", **data)
        elif problem.errno == errno.EADDRNOTAVAIL:
            return error(
                id_, f"{port.title} is wanted, but this host has no such address: correct the address.", **data
            )
        else:
            reason = os.strerror(problem.errno) if problem.errno and problem.errno > 0 else str(problem)
            return error(id_, f"{port.title} cannot be had ({reason}): {port.remedy}.", **data)
    return ok(id_, f"{port.title} is free.", ours=False, **data)


def _bind(port: Port) -> None:
    for address in _addresses(port.address) or [port.address]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # A connection that is about to end keeps nobody from listening.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port.port))


def check_installations(host: Host, wanted: Wanted) -> Iterator[Finding]:
    """Containers are known by their names, and two installations would give them the same."""
    if not wanted.docker:
        return
    for name, directory in other_installations(host, wanted.directory):
        yield error(
            f"installation:{name}",
            f"The container {name} is of another installation, {directory}, and would be replaced: set hearth_directory to"
            f" {directory} to go on with that one, or remove it there (playbooks/remove.yml), or set hearth_runtime to 'process'.",
            container=name,
            directory=directory,
        )


CHECKS = (check_ports, check_installations)
