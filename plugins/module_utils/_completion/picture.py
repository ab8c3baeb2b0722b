# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture small enough for every limit on the way: one colour all over."""

from __future__ import annotations

import base64
import struct
import zlib

_SIDE = 32


def data_url(colour: tuple[int, int, int] = (255, 0, 0)) -> str:
    """A PNG of 32 by 32 pixels as an address that holds it."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(colour) * _SIDE) * _SIDE
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
