# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a CA with name constraints must not sign for, found before clients refuse what it signed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: names_outside
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Names that a list of domains and networks does not cover
description:
  - A DNS name is covered by itself and by every domain above it, an IP address by each network that it lies in.
positional: _input, permitted
options:
  _input:
    description: DNS names and IP addresses.
    type: list
    elements: str
    required: true
  permitted:
    description: Domains, networks and single addresses.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what the CA cannot sign for
  ansible.builtin.debug:
    msg: "{{ ['llm.example.com', '10.0.0.7'] | hearth.llm.names_outside(['example.com', '192.168.0.0/16']) }}"  # 10.0.0.7
"""

RETURN = r"""
_value:
  description: The names that are not covered, in their order.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._certificates import names_outside


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"names_outside": names_outside}
