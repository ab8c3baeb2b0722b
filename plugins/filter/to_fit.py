# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be planned of the described models."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_fit
short_description: What has to be planned of the described models
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and gives what M(hearth.llm.fit_plan) is told of them.
  - A model of an engine that is not planned for is left out.
positional: gpus
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  gpus:
    description: For each engine the CDI names of the GPUs that it is given. A model's own C(gpus) go before these.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Plan all described models
  hearth.llm.fit_plan:
    models: "{{ hearth_models | hearth.llm.to_fit({'llama_cpp': ['nvidia.com/gpu=all']}) }}"
"""

RETURN = r"""
_value:
  description: The models with what decides about memory.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WANTED = ("source", "path", "files", "task", "context_tokens", "slots", "instances", "load", "rpc", "nodes", "options")


def to_fit(
    models: Mapping[str, Mapping[str, Any]], gpus: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    known = engines()
    planned = []
    for name, model in sorted(records(models).items()):
        engine = str(model.get("engine", DEFAULT))
        if engine in known and known[engine].planned:
            own = {key: model[key] for key in WANTED if key in model}
            given = model.get("gpus", (gpus or {}).get(engine, []))
            planned.append({"name": name, "engine": engine, "gpus": list(given), **own})
    return planned


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_fit": to_fit}
