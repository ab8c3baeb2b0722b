# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the described models a host serves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: models_on
short_description: Which of the described models a host serves
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and gives those that name no C(hosts), and those that name this one.
positional: host
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  host:
    description: The name of a host in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what this host serves
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.models_on(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The models, as they are described.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._placement import models_on

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"models_on": models_on}
