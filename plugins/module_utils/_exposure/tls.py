# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which outdated versions of TLS a server still speaks.

Asked with a greeting made here, because the OpenSSL of the one who asks may refuse to speak what it must ask for.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable

    Connect = Callable[[], socket.socket]

# Version → its number on the wire. All of them are broken, or forbidden by RFC 8996.
OUTDATED = {"SSL 3.0": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302}
TLS_1_2 = 0x0303

_HANDSHAKE, _CLIENT_HELLO, _SERVER_HELLO = 22, 1, 2
# Everything that servers of those days, and of these, may choose from: ECDHE, DHE and RSA with AES, 3DES and RC4, and TLS 1.2's own.
_CIPHERS = (
    *(0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC00A, 0xC013, 0xC014, 0xC007, 0xC008, 0xC011, 0xC012),
    *(0x009C, 0x009D, 0x0033, 0x0039, 0x002F, 0x0035, 0x003C, 0x0016, 0x000A, 0x0005, 0x0004, 0x0032, 0x0038, 0x0013),
)
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)


def outdated_versions(connect: Connect, name: str) -> list[str]:
    """Those that the server accepts."""
    return [version for version, number in OUTDATED.items() if accepted_version(connect, name, number) == number]


def accepted_version(connect: Connect, name: str, offered: int) -> int | None:
    """The version that the server chooses when it is offered this one at most; None when it wants none, or speaks no TLS."""
    with connect() as wire:
        try:
            wire.sendall(client_hello(name, offered))
            kind, payload = _read_record(wire)
        except OSError:
            return None
    if kind != _HANDSHAKE or len(payload) < 6 or payload[0] != _SERVER_HELLO:
        return None
    return int(struct.unpack("!H", payload[4:6])[0])


def client_hello(name: str, version: int) -> bytes:
    """The greeting of a client that knows nothing newer than this version."""
    body = struct.pack("!H", version) + os.urandom(32) + _short(b"")
    body += _long(b"".join(struct.pack("!H", cipher) for cipher in _CIPHERS)) + _short(b"\0")
    if version > OUTDATED["SSL 3.0"]:
        body += _long(b"".join(_extensions(name, version)))
    message = struct.pack("!B", _CLIENT_HELLO) + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BH", _HANDSHAKE, min(version, OUTDATED["TLS 1.0"])) + _long(message)


def _extensions(name: str, version: int) -> list[bytes]:
    extensions = [
        (10, _long(b"".join(struct.pack("!H", group) for group in _GROUPS))),
        (11, _short(b"\0")),
        (0xFF01, _short(b"")),
    ]
    if not _is_address(name):
        extensions.insert(0, (0, _long(b"\0" + _long(name.encode("idna")))))
    if version >= TLS_1_2:
        extensions.append((13, _long(b"".join(struct.pack("!H", scheme) for scheme in _SIGNATURES))))
    return [struct.pack("!H", number) + _long(content) for number, content in extensions]


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def _short(content: bytes) -> bytes:
    return struct.pack("!B", len(content)) + content


def _long(content: bytes) -> bytes:
    return struct.pack("!H", len(content)) + content


def _read_record(wire: socket.socket) -> tuple[int, bytes]:
    header = _read_exactly(wire, 5)
    if len(header) < 5:
        return 0, b""
    # Enough of it to know which version was chosen.
    return header[0], _read_exactly(wire, min(struct.unpack("!H", header[3:])[0], 64))


def _read_exactly(wire: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        piece = wire.recv(count - len(content))
        if not piece:
            break
        content += piece
    return content
