# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which served models answer at once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: loaded_models
short_description: Served models of a task that are loaded at the start
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models. Those with C(load) V(on_demand) are left out, because asking for one would push another one out.
positional: task, permitted
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  task:
    description: What the models are for.
    type: str
    choices: [chat, embedding, rerank]
    required: true
  permitted:
    description: Served names that may be asked for. All when it is not given.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Show which models can chat at once
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.loaded_models('chat') }}"
"""

RETURN = r"""
_value:
  description: Their served names, in the order of the description.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _description


def loaded_models(
    models: Mapping[str, Mapping[str, Any]], task: str, permitted: Sequence[str] | None = None
) -> list[str]:
    return [
        name
        for name, model in _description.models(models).items()
        if model.task == task and model.load == "startup" and (permitted is None or name in permitted)
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"loaded_models": loaded_models}
