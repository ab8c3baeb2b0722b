# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The thumbprint of an ACME account's key (RFC 7638), by which a web server answers challenges without knowing them.

The answer to each http-01 challenge is the challenge's token, a dot and this (RFC 8555, sections 8.1 and 8.3). It is no secret.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from ansible.errors import AnsibleFilterError

try:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False


def thumbprint(path: str) -> str:
    if not HAS_CRYPTOGRAPHY:
        raise AnsibleFilterError("The controller lacks the Python package cryptography: pip install cryptography")
    try:
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise AnsibleFilterError(f"The key of the ACME account {path} cannot be read: {error}") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise AnsibleFilterError(f"The key of the ACME account {path} is not an EC key on P-256: use another one.")
    point = key.public_key().public_numbers()
    # The members in this order and without spaces: RFC 7638, section 3.
    members = {"crv": "P-256", "kty": "EC", "x": _base64url(_bytes(point.x)), "y": _base64url(_bytes(point.y))}
    return _base64url(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def _bytes(coordinate: int) -> bytes:
    return coordinate.to_bytes(32, "big")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
