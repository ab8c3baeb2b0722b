# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why pods are not ready."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_pods
short_description: Why pods are not ready
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads what a Kubernetes cluster says of pods, and makes a sentence of each that is not ready.
options:
  _input:
    description: The pods as the server has them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say why the pods are not ready
  ansible.builtin.debug:
    msg: "{{ pods.resources | hearth.llm.kubernetes_pods }}"
"""

RETURN = r"""
_value:
  description: Sentences, none where all are ready.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.cluster import pods_say


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_pods": pods_say}
