# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets the gateway of a cluster was deployed with, by their hashes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_deployed_with
short_description: Which secrets the gateway of a cluster was deployed with
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads the files of a gateway as they lie in its Secret. What it gives is public or a hash, so that it can be compared with what a controller has.
positional: _input
options:
  _input:
    description: The C(data) of the Secret, name of the file to its content in base64. Empty where there is no gateway.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show whose secrets the cluster has
  ansible.builtin.debug:
    msg: "{{ secret.data | hearth.llm.kubernetes_deployed_with }}"
"""

RETURN = r"""
_value:
  description: As the C(gateway) of RV(hearth.llm.deployed_secrets#module:deployed). Empty where there is no gateway.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.secrets import deployed_with


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_deployed_with": deployed_with}
