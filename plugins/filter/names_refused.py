# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that whoever trusts a CA does not accept from it, known before the CA is made anew behind his back."""

from __future__ import annotations

DOCUMENTATION = r"""
name: names_refused
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Names that a CA's own certificate keeps it from signing for
description:
  - Reads the certificate of a CA on the controller, and gives those names that lie outside of what it permits. A client that has this certificate
    refuses the whole certificate of a server that carries one of them.
  - A CA that is not there yet, that has ended or cannot be read refuses nothing, because nobody relies on it.
requirements:
  - cryptography >= 42 on the controller
positional: _input, names
options:
  _input:
    description: Path of the CA's certificate, a PEM file.
    type: path
    required: true
  names:
    description: DNS names and IP addresses.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show for which names clients need a new CA
  ansible.builtin.debug:
    msg: "{{ '/srv/secrets/tls/ca.pem' | hearth.llm.names_refused(['llm.example.com']) }}"
"""

RETURN = r"""
_value:
  description: The names, in their order.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.filter.certificate_due import permitted_by
from ansible_collections.hearth.llm.plugins.filter.names_outside import names_outside


def names_refused(path: str, names: Iterable[str]) -> list[str]:
    from cryptography import x509

    try:
        authority = x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (ValueError, OSError):
        return []
    permitted = permitted_by(authority)
    if not permitted or authority.not_valid_after_utc <= datetime.now(UTC):
        return []
    return names_outside(names, permitted)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"names_refused": names_refused}
