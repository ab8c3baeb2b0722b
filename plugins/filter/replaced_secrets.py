# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names those secrets of a service that are others here than on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: replaced_secrets
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Names those secrets of a service that are others here than on the host
description:
  - Compares hashes that M(hearth.llm.deployed_secrets) found with the texts of the controller. What was not found is not compared.
positional: _input, here
options:
  _input:
    description: The hashes by name, a part of RV(hearth.llm.deployed_secrets#module:deployed).
    type: dict
    required: true
  here:
    description: The texts by name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be replaced
  ansible.builtin.debug:
    msg: "{{ found.deployed.valkey | hearth.llm.replaced_secrets({'password': valkey_password}) }}"
"""

RETURN = r"""
_value:
  description: The names, in the order of O(here).
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._foreign_secrets import replaced


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"replaced_secrets": replaced}
