# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kubernetes cluster lacks for what is described."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_findings
short_description: What a Kubernetes cluster lacks for what is described
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Judges version, storage classes, volumes, nodes and quotas as the server told them, and says all that is missing at once.
positional: plan, storage
options:
  _input:
    description:
      - What the server has, C(version), C(nodes), C(storage_classes), C(quotas) and C(claims).
      - C(nodes_are_known) and C(classes_are_known) say whether who asks may see them.
    type: dict
    required: true
  plan:
    description: What P(hearth.llm.kubernetes_plan#filter) gives.
    type: dict
    required: true
  storage:
    description: The volume of models as described, C(bytes), C(class) and C(access).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Stop where the cluster cannot serve
  ansible.builtin.assert:
    that: (cluster | hearth.llm.kubernetes_findings(plan, storage)).findings | length == 0
"""

RETURN = r"""
_value:
  description: C(findings), sentences with a remedy, and C(notes), sentences that are no reason to stop.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.cluster import judged


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_findings": judged}
