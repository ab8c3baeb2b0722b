# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys a file of OpenPGP keys holds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: openpgp_fingerprints
short_description: Which keys a file of OpenPGP keys holds
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads the fingerprints of the primary keys in a file, armoured or not, so that a key that was fetched can be compared with the one that was
    expected. No GnuPG is needed.
  - Keys of version 4 (RFC 4880), which are all that package repositories use.
options:
  _input:
    description: The content of the file in Base64, as M(ansible.builtin.slurp) returns it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Trust nobody else
  ansible.builtin.assert:
    that: key.content | hearth.llm.openpgp_fingerprints == ['C95B321B61E88C1809C4F759DDCAE044F796ECB0']
"""

RETURN = r"""
_value:
  description: Fingerprints in capital letters, in the order of the file. Empty where it holds no key.
  type: list
  elements: str
"""

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PUBLIC_KEY = 6
VERSION = 4
ARMOUR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n([A-Za-z0-9+/=\r\n]+?)(?:\r?\n=[^\r\n]*)?\r?\n-----END"
)


def openpgp_fingerprints(content: str) -> list[str]:
    raw = base64.b64decode(content)
    try:
        blocks = [base64.b64decode(body) for body in ARMOUR.findall(raw)] or [raw]
        return [
            _fingerprint(body)
            for block in blocks
            for tag, body in _packets(block)
            if tag == PUBLIC_KEY and body[:1] == bytes([VERSION])
        ]
    except (IndexError, binascii.Error):
        # Cut off, or no key at all: an error page, for instance.
        return []


def _fingerprint(body: bytes) -> str:
    # SHA-1 by definition of the format; it names the key, and signs nothing.
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        head = data[position]
        if not head & 0x80:
            return
        if head & 0x40:
            tag, (start, length) = head & 0x3F, _new_length(data, position + 1)
        else:
            tag, (start, length) = (head >> 2) & 0x0F, _old_length(data, position + 1, head & 3)
        yield tag, data[start : start + length]
        position = start + length


def _new_length(data: bytes, position: int) -> tuple[int, int]:
    first = data[position]
    if first < 192:
        return position + 1, first
    if first < 224:
        return position + 2, ((first - 192) << 8) + data[position + 1] + 192
    return position + 5, int.from_bytes(data[position + 1 : position + 5], "big")


def _old_length(data: bytes, position: int, kind: int) -> tuple[int, int]:
    size = (1, 2, 4)[kind]
    return position + size, int.from_bytes(data[position : position + size], "big")


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"openpgp_fingerprints": openpgp_fingerprints}
