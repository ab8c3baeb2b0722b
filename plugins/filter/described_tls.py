# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the gateway's certificate comes from, as every role asks it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: described_tls
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Where the gateway's certificate comes from, and what follows from that
description:
  - Takes C(hearth_tls), with all its defaults, and says where the files lie on the controller.
positional: secrets_directory, host
options:
  _input:
    description: What is described, C(hearth_tls).
    type: dict
    required: true
  secrets_directory:
    description: The directory of the secrets on the controller. Who asks for no paths may leave it out.
    type: path
    default: ''
  host:
    description: The host whose gateway it is, for RV(_value) C(shown).
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Show the CA that clients have to trust
  ansible.builtin.debug:
    msg: "{{ (hearth_tls | default({}) | hearth.llm.described_tls('/srv/secrets')).authority }}"
"""

RETURN = r"""
_value:
  description:
    - C(source), C(names), and C(certificate) and C(key), the files of the source V(files).
    - C(authority), the CA that clients verify the certificate with; empty for those that everybody trusts.
    - C(shown), with C(certificate), C(key) and C(authority), what the gateway shows now. Until an ACME server has given a certificate, it is one of the
      private CA.
    - C(account_key), the file of the key of the ACME account, and C(challenge_port), on which the server asks; empty, and 0, for other sources.
    - C(acme), with C(directory), C(terms_agreed), C(contacts) and C(server_authority).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._tls import plan


def described_tls(described: Any, secrets_directory: str = "", host: str = "") -> dict[str, Any]:
    return plan(described, secrets_directory, host)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"described_tls": described_tls}
