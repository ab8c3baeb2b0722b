# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy 3.2 says to a first question by HTTP/2, and what it said with too large a buffer."""

from __future__ import annotations

import io

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _http2
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def settings(largest_frame: int) -> bytes:
    streams = b"\x00\x03" + (100).to_bytes(4, "big")
    return frame(4, 0, 0, streams + b"\x00\x05" + largest_frame.to_bytes(4, "big"))


def asked(*frames: bytes) -> int:
    return _http2.ask(io.BytesIO(b"".join(frames)).read, lambda _sent: None, "llm.example", "/v1/models")


@pytest.mark.parametrize(
    ("block", "status"),
    [
        (b"\x88", 200),
        (b"\x08\x03401\x0f\x10\x10application/json", 401),
        (b"\x3f\xe1\x1f\x8d", 404),
        (b"\x48\x03503", 503),
        (b"\x08\x82\x68\x01", 0),
    ],
)
def test_the_status_is_read_as_servers_write_it(block: bytes, status: int) -> None:
    assert asked(settings(16384), frame(4, 1, 0, b""), frame(8, 0, 0, b"\0\0\xff\xff"), frame(1, 4, 1, block)) == status


@pytest.mark.parametrize("size", [16383, 16777216, 29425664])
def test_what_no_client_goes_on_after_is_told(size: int) -> None:
    with pytest.raises(HearthError, match=f"SETTINGS_MAX_FRAME_SIZE={size}"):
        asked(settings(size), frame(1, 4, 1, b"\x88"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (frame(7, 0, 0, b"\0\0\0\0\0\0\0\x06"), "HTTP/2 error 6"),
        (frame(3, 0, 1, b"\0\0\0\x08"), "HTTP/2 error 8"),
        (b"", "closed the connection"),
        (b"HTTP/1.1", "closed the connection"),
    ],
)
def test_an_end_instead_of_an_answer_is_told(answer: bytes, told: str) -> None:
    with pytest.raises(HearthError, match=told):
        asked(settings(16384), answer)
