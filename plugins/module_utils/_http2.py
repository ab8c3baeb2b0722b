# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question by HTTP/2 (RFC 9113), as strict as the clients that people have: what a server says of itself has to be allowed. PRIVATE to the collection."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Callable, Iterator

    Read = Callable[[int], bytes]
    Write = Callable[[bytes], object]

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _RESET, _SETTINGS, _GO_AWAY = 1, 3, 4, 7
_ACKNOWLEDGED, _ENDS = 0x1, 0x5
# What each setting may be: RFC 9113, section 6.5.2.
_ALLOWED = {
    2: ("SETTINGS_ENABLE_PUSH", 0, 0),
    4: ("SETTINGS_INITIAL_WINDOW_SIZE", 0, 2**31 - 1),
    5: ("SETTINGS_MAX_FRAME_SIZE", 16384, 16777215),
}
# Of HPACK's static table, RFC 7541, appendix A, from entry 8 on.
_STATUSES = (200, 204, 206, 304, 400, 404, 500)


class Frame(NamedTuple):
    kind: int
    stream: int
    flags: int
    content: bytes


def ask(read: Read, write: Write, authority: str, path: str) -> int:
    """The status of GET, on a connection for which both sides have chosen h2."""
    # Method GET, scheme https, and a literal each for path and authority.
    block = b"\x82\x87" + b"\x04" + _text(path) + b"\x01" + _text(authority)
    write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, _ENDS, 1, block))
    for frame in _frames(read):
        if frame.kind == _SETTINGS and not frame.flags & _ACKNOWLEDGED:
            _judge(frame.content)
            write(_frame(_SETTINGS, _ACKNOWLEDGED, 0, b""))
        elif frame.kind == _HEADERS and frame.stream == 1:
            return _status(frame.content)
        elif frame.kind in (_RESET, _GO_AWAY):
            (code,) = struct.unpack_from(">I", frame.content, 0 if frame.kind == _RESET else 4)
            raise HearthError(f"it ended the connection by the HTTP/2 error {code}")
    raise HearthError("it closed the connection before it answered")


def _judge(settings: bytes) -> None:
    for place in range(0, len(settings) - 5, 6):
        setting, value = struct.unpack_from(">HI", settings, place)
        name, least, most = _ALLOWED.get(setting, ("", 0, value))
        if not least <= value <= most:
            raise HearthError(
                f"it says {name}={value}, and HTTP/2 allows {least} to {most}: no client goes on after that"
            )


def _status(block: bytes) -> int:
    """The first field of an answer; 0 where it is compressed in another way than servers do it."""
    if block and block[0] & 0xE0 == 0x20:
        # First the size of a table, a number of one byte or more: RFC 7541, sections 5.1 and 6.3.
        ends = (place for place, byte in enumerate(block) if (byte & 0x1F != 0x1F if place == 0 else byte < 0x80))
        block = block[next(ends, len(block)) + 1 :]
    if block and 0x88 <= block[0] < 0x88 + len(_STATUSES):
        return _STATUSES[block[0] - 0x88]
    digits = block[2:5]
    return int(digits) if block[1:2] == b"\x03" and digits.isdigit() else 0


def _frames(read: Read) -> Iterator[Frame]:
    while True:
        head = read(9)
        if len(head) < 9:
            return
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        yield Frame(kind, stream, flags, read(int.from_bytes(head[:3], "big")))


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + content


def _text(text: str) -> bytes:
    encoded = text.encode("ascii")
    if len(encoded) > 126:
        raise HearthError(f"{text!r} is longer than the 126 letters that this asks for")
    return bytes([len(encoded)]) + encoded
