# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to see that llama.cpp's models answer."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_cpp_questions
short_description: What to ask the models of llama.cpp, and where
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes C(models) of M(hearth.llm.completion_probe) from C(llama_cpp_models).
  - With the runtime V(docker) one router serves all, and asking for a model that is loaded on demand would push another one out; it is left out.
  - A model with a projector is shown a picture.
  - With the runtime V(process) all are loaded, and each has a socket of its own.
positional: runtime, directory, projectors
options:
  _input:
    description: The models, C(llama_cpp_models).
    type: list
    elements: dict
    required: true
  runtime:
    description: How the engine is run.
    type: str
    choices: [docker, process]
    required: true
  directory:
    description: What everything of the engine on the host lies below.
    type: path
    required: true
  projectors:
    description: For each served name the file of its projector, as far as there is one.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what would be asked
  ansible.builtin.debug:
    msg: "{{ [{'name': 'chat'}] | hearth.llm.llama_cpp_questions('process', '/var/lib/hearth') }}"
"""

RETURN = r"""
_value:
  description: For each model C(model), C(task) and, where it has them, C(socket_path) and C(picture).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def llama_cpp_questions(
    models: Sequence[Mapping[str, Any]], runtime: str, directory: str, projectors: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    return [
        {
            "model": model["name"],
            "task": model.get("task", "chat"),
            **({"socket_path": f"{directory}/run/{model['name']}.sock"} if runtime == "process" else {}),
            **({"picture": True} if (projectors or {}).get(model["name"]) else {}),
        }
        for model in models
        if runtime == "process" or model.get("load", "startup") == "startup"
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_cpp_questions": llama_cpp_questions}
