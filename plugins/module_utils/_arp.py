# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address in the network of an interface, asked as a host does before it takes one (RFC 5227). The host itself never answers its own question."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Iterable

_PROTOCOL = 0x0806
_EVERYBODY = b"\xff" * 6
_ETHERNET, _IPV4, _REQUEST, _REPLY = 1, 0x0800, 1, 2
_FORM = "!HHBBH6s4s6s4s"
_LONGEST = 64
_ETHERNET_ADDRESS = 6


class Neighbours:
    """Those who answer in the network of an interface. Has to be closed."""

    def __init__(self, interface: str) -> None:
        self._door = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_PROTOCOL))
        try:
            self._door.bind((interface, _PROTOCOL))
        except OSError as error:
            self._door.close()
            raise HearthError(f"There is no interface {interface} ({error.strerror}): bring it up first.") from error
        self._own = self._door.getsockname()[4]

    def close(self) -> None:
        self._door.close()

    def having(self, addresses: Iterable[str], seconds: float = 0.6) -> dict[str, list[str]]:
        """The hardware addresses of those who say that they have each of these."""
        found: dict[str, set[str]] = {address: set() for address in addresses}
        # Others have no such question: a tunnel, for one.
        if len(self._own) == _ETHERNET_ADDRESS:
            for address in found:
                self._door.send(request(self._own, address))
            end = time.monotonic() + seconds
            while found and time.monotonic() < end:
                self._door.settimeout(max(0.01, end - time.monotonic()))
                try:
                    address, hardware = reply(self._door.recv(_LONGEST))
                except socket.timeout:
                    break
                if address in found:
                    found[address].add(hardware)
        return {address: sorted(hardware) for address, hardware in found.items()}


def request(own: bytes, address: str) -> bytes:
    """Names no sender, so that nobody takes the question for an answer."""
    asked = struct.pack(_FORM, _ETHERNET, _IPV4, 6, 4, _REQUEST, own, bytes(4), bytes(6), socket.inet_aton(address))
    return _EVERYBODY + own + struct.pack("!H", _PROTOCOL) + asked


def reply(frame: bytes) -> tuple[str, str]:
    """Whose address somebody says to have, and his hardware address; nothing of any other frame."""
    length = 14 + struct.calcsize(_FORM)
    if len(frame) < length:
        return "", ""
    _hardware, _kind, _long, _short, what, sender, address, _target, _asked = struct.unpack(_FORM, frame[14:length])
    return (socket.inet_ntoa(address), ":".join(f"{one:02x}" for one in sender)) if what == _REPLY else ("", "")
