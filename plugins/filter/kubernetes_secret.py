# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret of a Kubernetes cluster that is called by what is in it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes_secret
short_description: A Secret of a Kubernetes cluster that is called by what is in it
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Never changed once it is there. Other contents are another Secret, so that a pod keeps what it began with until its successor is ready.
  - The name has a part of a SHA-256 of the contents.
positional: component, namespace
options:
  _input:
    description: The files, each with C(path) and with C(content) or C(secret_content).
    type: list
    elements: dict
    required: true
  component:
    description: What it is for, with which its name begins.
    type: str
    required: true
  namespace:
    description: The namespace.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what the Secret of a key is called
  ansible.builtin.debug:
    msg: "{{ ([{'path': 'key', 'secret_content': engine_key}] | hearth.llm.kubernetes_secret('engine-key', 'hearth')).metadata.name }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The object.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.secrets import secret


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubernetes_secret": secret}
