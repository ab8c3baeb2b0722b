# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which TCP ports of some addresses answer: one thread, as many connections at a time as the system allows."""

from __future__ import annotations

import errno
import os
import resource
import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence

# Descriptors that the process needs for itself.
_RESERVE = 64
# The address itself cannot be reached: no port of it will be.
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)
_LAST_PORT = 65535


@dataclass
class Scan:
    """What a scan found."""

    # Address → the ports that answered.
    open: dict[str, set[int]]
    # Address → why no packet could be sent there.
    unreachable: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Attempt:
    wire: socket.socket
    address: str
    port: int
    deadline: float


def parse_ports(ranges: Iterable[str]) -> list[int]:
    """The ports of texts such as 22, or 1-1024."""
    ports: set[int] = set()
    for text in ranges:
        first, _dash, last = str(text).partition("-")
        try:
            low, high = int(first), int(last or first)
        except ValueError:
            low, high = 0, 0
        if not 1 <= low <= high <= _LAST_PORT:
            raise InputError(f"scan_ports: {text} is neither a port nor a range of ports. Write 443, or 1-65535.")
        ports.update(range(low, high + 1))
    return sorted(ports)


def scan(addresses: Sequence[str], ports: Sequence[int], *, timeout: float, parallel: int) -> Scan:
    """Tries a connection to each port of each address. `timeout` is what a port has to answer, in seconds."""
    began = time.monotonic()
    found = Scan({address: set() for address in addresses})
    window = min(parallel, _descriptors(parallel + _RESERVE) - _RESERVE)
    waiting: deque[_Attempt] = deque()
    todo = _targets(addresses, ports, found)
    with selectors.DefaultSelector() as selector:
        pending: dict[int, _Attempt] = {}
        more = True
        while more or waiting:
            while more and len(pending) < window:
                target = next(todo, None)
                more = target is not None
                attempt = _begin(target, found, timeout) if target else None
                if attempt:
                    pending[attempt.wire.fileno()] = attempt
                    waiting.append(attempt)
                    selector.register(attempt.wire, selectors.EVENT_WRITE)
            pause = max(0.0, waiting[0].deadline - time.monotonic()) if waiting else 0.0
            for key, _events in selector.select(pause):
                attempt = pending[key.fd]
                if _has_answered(attempt.wire):
                    found.open[attempt.address].add(attempt.port)
                _end(attempt, pending, selector)
            # One that has ended is closed already, and only waits for its turn to be forgotten.
            while waiting and (waiting[0].wire.fileno() < 0 or waiting[0].deadline <= time.monotonic()):
                late = waiting.popleft()
                if late.wire.fileno() >= 0:
                    _end(late, pending, selector)
    found.seconds = round(time.monotonic() - began, 1)
    return found


def _targets(addresses: Sequence[str], ports: Sequence[int], found: Scan) -> Iterator[tuple[str, int]]:
    for port in ports:
        for address in addresses:
            if address not in found.unreachable:
                yield address, port


def _begin(target: tuple[str, int], found: Scan, timeout: float) -> _Attempt | None:
    address, port = target
    wire = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    wire.setblocking(False)
    code = wire.connect_ex((address, port))
    if code == errno.EINPROGRESS:
        return _Attempt(wire, address, port, time.monotonic() + timeout)
    if code == 0 and _has_answered(wire):
        found.open[address].add(port)
    elif code in _NO_WAY:
        found.unreachable[address] = os.strerror(code)
    wire.close()
    return None


def _has_answered(wire: socket.socket) -> bool:
    if wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
        return False
    # On the scanning machine itself a connection may by chance begin at the very port that it goes to, and answers itself.
    return bool(wire.getsockname() != wire.getpeername())


def _end(attempt: _Attempt, pending: dict[int, _Attempt], selector: selectors.BaseSelector) -> None:
    selector.unregister(attempt.wire)
    del pending[attempt.wire.fileno()]
    attempt.wire.close()


def _descriptors(wanted: int) -> int:
    """How many files this process may have open, raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised
