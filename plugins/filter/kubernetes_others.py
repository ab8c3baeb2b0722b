# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have put into a namespace of a Kubernetes cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_others
short_description: What others have put into a namespace of a Kubernetes cluster
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Finds objects that lack the label that all of ours have, but for what a cluster makes itself.
options:
  _input:
    description: Objects as the server has them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is not ours
  ansible.builtin.debug:
    msg: "{{ secrets.resources | hearth.llm.kubernetes_others }}"
"""

RETURN = r"""
_value:
  description: Kind and name of each.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.leftovers import others


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_others": others}
