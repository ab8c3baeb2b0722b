# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The thumbprint of an ACME account's key, by which a web server answers challenges without knowing them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: acme_thumbprint
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Thumbprint of the key of an ACME account
description:
  - Reads a private key on the controller and gives the thumbprint of its public half (RFC 7638).
  - The answer to each C(http-01) challenge is the challenge's token, a dot and this (RFC 8555, sections 8.1 and 8.3), so that
    a web server that knows it needs nothing else to answer. It is no secret.
requirements:
  - cryptography >= 42 on the controller
positional: _input
options:
  _input:
    description: Path of the key, a PEM file that needs no passphrase, of an EC key on P-256.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Show what answers a challenge
  ansible.builtin.debug:
    msg: "<token>.{{ '/etc/ssl/private/acme_account.key' | hearth.llm.acme_thumbprint }}"
"""

RETURN = r"""
_value:
  description: The thumbprint, 43 characters of base64url.
  type: str
"""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

try:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False


def acme_thumbprint(path: str) -> str:
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


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"acme_thumbprint": acme_thumbprint}
