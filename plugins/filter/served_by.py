# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the described models an engine serves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: served_by
short_description: The described models, or those that an engine serves
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and gives them, or those of one engine, as a list with the served name in each.
positional: engine
options:
  _input:
    description: The models, C(hearth_models). A model without C(engine) is served by V(llama_cpp).
    type: dict
    required: true
  engine:
    description: Name of the engine. Empty for all.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Show the names of the models that llama.cpp serves
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.served_by('llama_cpp') | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: The models, in the order of their names.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# An engine knows which it is, and the gateway asks it by the served name alone.
_NOT_FOR_ENGINES = ("engine", "aliases", "default", "hosts")


def served_by(models: Mapping[str, Mapping[str, Any]], engine: str = "") -> list[dict[str, Any]]:
    """The models of `engine`, or of all engines, each with its name."""
    return [
        {"name": name, **{key: value for key, value in model.items() if key not in _NOT_FOR_ENGINES}}
        for name, model in sorted(records(models).items())
        if engine in ("", model.get("engine", DEFAULT))
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"served_by": served_by}
