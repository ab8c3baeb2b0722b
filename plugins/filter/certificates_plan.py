# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's certificates are to be, so that a run that has nothing to do needs no task to find that out."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificates_plan
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: What a host's certificates are to be, what has to be made anew, and why
description:
  - The one plan of the role P(hearth.llm.certificates#role). It reads what lies on the controller, and makes nothing; after something was made, it answers
    otherwise.
requirements:
  - cryptography >= 42 on the controller
positional: _input
options:
  _input:
    description:
      - What is described.
      - C(source) (V(private_ca), V(files) or V(acme)), C(host), C(domain), C(names), C(permitted), C(directory), C(file), C(key_file), C(valid_days) and
        C(renew_before_days).
      - An empty C(permitted) is C(domain), C(names) and all private networks.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show why a certificate would be made
  ansible.builtin.debug:
    msg: "{{ (described | hearth.llm.certificates_plan).due }}"
  vars:
    described:
      source: private_ca
      host: "{{ inventory_hostname }}"
      domain: llm.example.com
      names: [10.0.0.7]
      permitted: [example.com, 10.0.0.0/8]
      directory: /srv/secrets/tls
      file: ""
      key_file: ""
      valid_days: 397
      renew_before_days: 30
"""

RETURN = r"""
_value:
  description:
    - The paths, the names in the spelling of community.crypto, and, as lists of sentences, C(due), C(authority_due) and C(acme_due), why each is to be
      made, and C(authority_faults) and C(given_faults), why one cannot be used.
    - C(permitted), what the CA may sign for, as it is described or by default.
    - C(outside) are names that the description does not let the CA sign for, C(refused) those that clients would not accept from the CA that they have.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._certificates_plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {"certificates_plan": plan}
