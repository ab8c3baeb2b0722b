# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to see that vLLM's models answer."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vllm_questions
short_description: What to ask the models of vLLM, and where
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes C(models) of M(hearth.llm.completion_probe) and of M(hearth.llm.engine_report) from C(vllm_models).
positional: ports, address
options:
  _input:
    description: The models, C(vllm_models).
    type: list
    elements: dict
    required: true
  ports:
    description: For each served name its port on the host.
    type: dict
    required: true
  address:
    description: The address on which the engines listen.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be asked
  ansible.builtin.debug:
    msg: "{{ [{'name': 'chat'}] | hearth.llm.vllm_questions({'chat': 18101}, '127.0.0.1') }}"
"""

RETURN = r"""
_value:
  description: For each model C(model), C(task) and C(url).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def vllm_questions(models: Sequence[Mapping[str, Any]], ports: Mapping[str, int], address: str) -> list[dict[str, str]]:
    return [
        {
            "model": model["name"],
            "task": model.get("task", "chat"),
            "url": f"http://{address}:{ports[model['name']]}/v1",
        }
        for model in models
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_questions": vllm_questions}
