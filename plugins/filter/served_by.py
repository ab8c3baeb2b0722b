# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the described models an engine serves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: served_by
short_description: Which of the described models an engine serves
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and gives those of one engine, as a list with the served name in each.
positional: engine
options:
  _input:
    description: The models, C(hearth_models). A model without C(engine) is served by V(llama_cpp).
    type: dict
    required: true
  engine:
    description: Name of the engine.
    type: str
    required: true
    choices: [llama_cpp, vllm, openvino]
"""

EXAMPLES = r"""
- name: Show the names of the models that llama.cpp serves
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.served_by('llama_cpp') | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: The models of that engine, in the order of their names.
  type: list
  elements: dict
"""

import re
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._description.models import ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENGINES = ("llama_cpp", "vllm", "openvino")
TASKS = ("chat", "embedding", "rerank")
# A served name is also a directory, a section of an INI file and a program's name.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def served_by(models: Mapping[str, Mapping[str, Any]], engine: str) -> list[dict[str, Any]]:
    """The models of `engine`, each with its name."""
    check(models)
    return [
        {"name": name, **{key: value for key, value in model.items() if key != "engine"}}
        for name, model in sorted(models.items())
        if model.get("engine", "llama_cpp") == engine
    ]


def check(models: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises, with every finding at once, when the description cannot be what was meant."""
    findings = []
    for name, model in models.items():
        if not NAME.fullmatch(name):
            findings.append(f"'{name}' is no served name: use letters, digits, dot, dash and underscore")
        if model.get("engine", "llama_cpp") not in ENGINES:
            findings.append(f"{name}: engine '{model['engine']}' is none of {', '.join(ENGINES)}")
        if model.get("task", "chat") not in TASKS:
            findings.append(f"{name}: task '{model['task']}' is none of {', '.join(TASKS)}")
        elif model.get("task", "chat") != "rerank" and ranks(model.get("options")):
            findings.append(
                f"{name}: its options say that it ranks documents: write task: rerank, and leave these options out"
            )
        if "source" not in model and "path" not in model:
            findings.append(f"{name}: source is missing (hf://owner/repo/file, https://... or file:///...)")
    if findings:
        raise AnsibleFilterError("hearth_models: " + "; ".join(findings) + ".")


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"served_by": served_by}
