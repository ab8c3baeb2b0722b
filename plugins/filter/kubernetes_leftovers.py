# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours in a Kubernetes cluster and not described any more."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_leftovers
short_description: What is ours in a Kubernetes cluster and not described any more
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Finds objects by the label that all of ours have. A volume with models, and the namespace, are never among them.
positional: wanted
options:
  _input:
    description: Objects as the server has them.
    type: list
    elements: dict
    required: true
  wanted:
    description: C(Kind/name) of each that stays.
    type: list
    elements: str
    required: true
  percent_max:
    description: The share of the models that may go in one run, percent.
    type: int
    default: 100
  namespace:
    description: The namespace, for what is said.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what would go
  ansible.builtin.debug:
    msg: "{{ (there | hearth.llm.kubernetes_leftovers(plan.names)).objects }}"
"""

RETURN = r"""
_value:
  description: C(objects), each with C(api_version), C(kind) and C(name), in the order in which they go; C(findings), why they may not.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.leftovers import leftovers


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_leftovers": leftovers}
