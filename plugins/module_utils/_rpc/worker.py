# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The beginning of llama.cpp's RPC protocol, as far as it is the same in all versions that it was read of (3.6 and 8.0).

After ggml/src/ggml-rpc/ggml-rpc.cpp: a request is a byte that names the command, the length of what follows (8 bytes, little endian) and that; an answer is a
length and its bytes. HELLO is 14 in every version, and is answered by the version of the protocol.

A worker (ggml-rpc-server) serves one client at a time, and two more wait in the kernel's queue. One who serves says nothing to others: it is `busy`. Who
waits there and gives up leaves its place taken until the worker looks, so a busy worker must not be asked again and again.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import struct
from dataclasses import dataclass

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

PORT = 50052
HELLO, DEVICE_COUNT, DEVICE_MEMORY = 14, 15, 11
# What a client says that it can do beyond TCP: nothing.
_CAPABILITIES = bytes(24)
_LENGTH = struct.Struct("<Q")
_MEMORY = struct.Struct("<QQ")
_HELLO = bytes([HELLO]) + _LENGTH.pack(len(_CAPABILITIES)) + _CAPABILITIES
# Before 3.6 HELLO had no body, and such a worker takes this one for a malformed request.
_MOST_BYTES = 4096
_MOST_DEVICES = 64
# A lost host says nothing: after so long without an answer the kernel takes a connection for dead.
_IDLE_SECONDS, _EVERY_SECONDS, _TIMES = 5, 2, 3
_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)

ANSWERS, BUSY, UNREACHABLE, STRANGE = "answers", "busy", "unreachable", "strange"


@dataclass(frozen=True)
class Device:
    memory_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Worker:
    address: str
    state: str
    # Of the protocol, where it answers.
    version: str = ""
    devices: tuple[Device, ...] = ()
    why: str = ""


def parse(address: str) -> tuple[str, int]:
    """Host and port. llama.cpp cuts at the first colon, so IPv6 cannot be written."""
    host, colon, port = str(address).partition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536 or not _NAME.fullmatch(host):
        raise InputError(
            f"{address!r} is no address of a worker: write host:port, an IPv4 address or a name, such as 10.77.0.2:{PORT}. llama.cpp takes no IPv6 here."
        )
    return host, int(port)


def why_not_to_bind(address: str) -> str:
    """Why a worker must not listen at an address, as the end of a sentence; empty where it may. Nobody who reaches a worker needs a password, and whoever
    reaches it may read and write its memory."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "is no IP address: write that of the host in the private network"
    if found.version != 4:
        return "is IPv6, which llama.cpp's RPC does not take: write the host's IPv4 address in the private network"
    if found.is_unspecified:
        return "is every address of the host: write the one that it has in the private network"
    # Carriers' shared space (RFC 6598) is what some tunnels use, and no address of the internet.
    shared = found in ipaddress.ip_network("100.64.0.0/10")
    if found.is_multicast or found.is_reserved or found.is_link_local or not (found.is_private or shared):
        return "is not of a private network: write the address that the host has in the tunnel"
    return ""


def look(address: str, seconds: float = 3.0) -> Worker:
    """What a worker says of itself."""
    host, port = parse(address)
    try:
        with contextlib.closing(socket.create_connection((host, port), seconds)) as connection:
            connection.settimeout(seconds)
            try:
                version, devices = _introduce(connection)
            except (socket.timeout, TimeoutError):
                return Worker(address, BUSY, why="takes connections and does not answer: somebody else is served")
            except _MalformedError as error:
                return Worker(address, STRANGE, why=str(error))
    except (socket.timeout, TimeoutError):
        return Worker(address, UNREACHABLE, why=f"does not answer within {seconds:g} s")
    except OSError as error:
        return Worker(address, UNREACHABLE, why=error.strerror or str(error))
    return Worker(address, ANSWERS, version, devices)


def served(address: str) -> Worker:
    """One of which it is known otherwise that somebody is connected to it."""
    parse(address)
    return Worker(address, BUSY, why="somebody is connected to it")


def queue(address: str, seconds: float = 3.0) -> socket.socket:
    """A place in the queue of a worker that serves somebody else, with the first request said already. It breaks when the worker or its host is gone, and is
    answered when nobody is served any more."""
    connection = socket.create_connection(parse(address), seconds)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _EVERY_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _TIMES)
    connection.sendall(_HELLO)
    connection.setblocking(False)
    return connection


def state(place: socket.socket) -> str:
    """Of a place in the queue: BUSY while it waits, ANSWERS when it is served, UNREACHABLE when it broke."""
    try:
        return ANSWERS if place.recv(_MOST_BYTES) else UNREACHABLE
    except BlockingIOError:
        return BUSY
    except OSError:
        return UNREACHABLE


class _MalformedError(Exception):
    """Whoever listens there is no worker, or speaks another protocol."""


def _introduce(connection: socket.socket) -> tuple[str, tuple[Device, ...]]:
    hello = _ask(connection, HELLO, _CAPABILITIES)
    if len(hello) < 3:
        raise _MalformedError(f"answers HELLO by {len(hello)} bytes")
    count = _ask(connection, DEVICE_COUNT, b"")
    if len(count) != 4 or not 0 < struct.unpack("<I", count)[0] <= _MOST_DEVICES:
        raise _MalformedError("does not say how many devices it has")
    devices = []
    for number in range(struct.unpack("<I", count)[0]):
        memory = _ask(connection, DEVICE_MEMORY, struct.pack("<I", number))
        if len(memory) != _MEMORY.size:
            raise _MalformedError(f"does not say how much memory its device {number} has")
        free, total = _MEMORY.unpack(memory)
        devices.append(Device(total, free))
    return ".".join(map(str, hello[:3])), tuple(devices)


def _ask(connection: socket.socket, command: int, body: bytes) -> bytes:
    try:
        connection.sendall(bytes([command]) + _LENGTH.pack(len(body)) + body)
        (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
    except ConnectionError as error:
        raise _MalformedError("hangs up") from error
    if length > _MOST_BYTES:
        raise _MalformedError("speaks another protocol")
    return _read(connection, length)


def _read(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise _MalformedError("hangs up")
        received += piece
    return received
