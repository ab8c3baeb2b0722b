# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of a host for the bill of materials."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bill_models
short_description: Models of a host for the bill of materials
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Adds to the models that lie on a host those that are described for it and have not come yet, by what the lock file says of them.
positional: described, lock, endpoint
options:
  _input:
    description: The models as M(hearth.llm.sbom_info) says them.
    type: list
    elements: dict
    required: true
  described:
    description: The models as the role P(hearth.llm.models#role) takes them.
    type: list
    elements: dict
    required: true
  lock:
    description: Content of the lock file.
    type: dict
    default: {}
  endpoint:
    description: Address of the hub, where it is a mirror.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show by what the cards of models are asked for
  ansible.builtin.debug:
    msg: "{{ looked.models | hearth.llm.bill_models(models_list) | map(attribute='card') | select }}"
"""

RETURN = r"""
_value:
  description: Each model with C(repository), C(card), the source by which its card is asked for, and C(present), whether it lies on the host.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.models import bill_models

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"bill_models": bill_models}
