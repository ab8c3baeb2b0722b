# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of keys as WireGuard writes them: 32 bytes of X25519 in Base64. No message holds a key."""

from __future__ import annotations

import base64
import binascii

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

try:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

BYTES = 32
# What stands in the place of a key in check mode: of the same shape, so that it has another half.
PLACEHOLDER = base64.b64encode(b"CHECKMODE".ljust(BYTES, b"-")).decode()


def new_key() -> str:
    """A private key that nobody can guess."""
    _require_cryptography()
    raw = X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return base64.b64encode(raw).decode()


def public_key(private: str) -> str:
    """The other half of a private key, which is no secret."""
    _require_cryptography()
    try:
        raw = base64.b64decode(private, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != BYTES:
        raise InputError(
            "A private key of X25519 is 44 characters of Base64, and this is something else: bring the right file from your backup, "
            "or delete it, and the next run makes a new key."
        )
    half = X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(half).decode()


def _require_cryptography() -> None:
    if not HAS_CRYPTOGRAPHY:
        raise InputError("The controller lacks the Python package cryptography: pip install cryptography")
