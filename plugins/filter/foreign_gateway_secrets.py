# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which secrets of a host's gateway a run from this controller would replace."""

from __future__ import annotations

DOCUMENTATION = r"""
name: foreign_gateway_secrets
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Says which secrets of a host's gateway a run from this controller would replace
description:
  - Compares what M(hearth.llm.deployed_secrets) found on a host with what the controller has. No sentence means that no client is locked out.
  - A key that is described with its text or its hash may change, and a key that is rotated on this controller, too. A CA that was renewed with its old
    key is the same CA.
requirements:
  - cryptography >= 42 on the controller
positional: _input
options:
  _input:
    description: RV(hearth.llm.deployed_secrets#module:deployed.gateway).
    type: dict
    required: true
  keys:
    description: The API keys as they are described, C(gateway_api_keys).
    type: list
    elements: dict
    required: true
  valid:
    description: The hashes of their texts that this controller knows, as P(hearth.llm.gateway_key_hashes#lookup) gives them.
    type: list
    elements: dict
    required: true
  engine_key:
    description: What the gateway shows to the engines.
    type: str
    required: true
  authority:
    description: The certificate of the private CA, a file that need not be there. Empty where the certificate comes from elsewhere.
    type: str
    required: true
  secrets_directory:
    description: The directory of the secrets on the controller, for the sentences.
    type: str
    required: true
  accepted:
    description: What may be replaced, V(certificates), V(api_keys), as a list or a text with commas.
    type: raw
    required: true
  host:
    description: The name of the host, for the sentences.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Stop before every client is locked out
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings | join(' ') }}"
  vars:
    findings: >-
      {{ found.deployed.gateway | hearth.llm.foreign_gateway_secrets(keys=[{'name': 'alice'}], valid=[], engine_key='', authority='',
      secrets_directory='/srv/secrets', accepted=[], host=inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: The findings, each one sentence or more with the way out.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._accepted import accepted as as_list
from ansible_collections.hearth.llm.plugins.plugin_utils._foreign_secrets import gateway_findings


def foreign_gateway_secrets(deployed: dict[str, Any], *, accepted: str | Iterable[str], **here: Any) -> list[str]:
    return gateway_findings(deployed, accepted=as_list(accepted), **here)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"foreign_gateway_secrets": foreign_gateway_secrets}
