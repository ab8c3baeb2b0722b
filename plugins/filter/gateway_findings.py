# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in the description of the gateway that an argument specification cannot refuse, found at once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_findings
short_description: What is wrong with the models and keys of the gateway
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says what HAProxy would not take, or would take for something else than was meant, and whether more keys would be taken away than was meant.
positional: keys, there, removal_percent_max
options:
  _input:
    description: The models, C(gateway_models).
    type: dict
    required: true
  keys:
    description: The API keys, C(gateway_api_keys).
    type: list
    elements: dict
    required: true
  there:
    description: The names of the keys that the gateway has now.
    type: list
    elements: str
    default: []
  removal_percent_max:
    description: The share of them that may go, percent. With 100 all may.
    type: int
    default: 100
"""

EXAMPLES = r"""
- name: Check the description
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings | join(' ') }}"
  vars:
    findings: "{{ gateway_models | hearth.llm.gateway_findings(gateway_api_keys) }}"
"""

RETURN = r"""
_value:
  description: The findings, each a sentence that names the variable, the value and the remedy. None of them shows a key.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_findings import gateway_findings


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_findings": gateway_findings}
