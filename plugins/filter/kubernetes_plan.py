# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of an installation in a Kubernetes cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_plan
short_description: All objects of an installation in a Kubernetes cluster
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes of what is described each object, closed as the standard C(restricted) wants it, in the order in which they are applied.
  - No secret is in it. It names Secrets, which P(hearth.llm.kubernetes_secret#filter) makes.
positional: _input
options:
  _input:
    description:
      - C(namespace), C(models) (C(hearth_models)), C(images), C(storage) (C(bytes), C(class), C(access)), C(nodes), C(gateway) and more, as the role
        P(hearth.llm.kubernetes#role) composes it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be applied
  ansible.builtin.debug:
    msg: "{{ (described | hearth.llm.kubernetes_plan).names }}"
"""

RETURN = r"""
_value:
  description: C(stages), each a list of objects, C(foundation), C(fetch), C(engines) and C(gateway); C(job), the name of the Job that fetches models; C(given),
    what each model is served with in its engine's words; C(names), C(Kind/name) of all objects.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.plan import kubernetes_plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_plan": kubernetes_plan}
