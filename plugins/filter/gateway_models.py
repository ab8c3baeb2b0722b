# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the gateway finds the engine of each served model."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_models
short_description: Where the gateway finds the engine of each served model
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and says where the roles of this collection let their engines listen.
positional: runtime, directory
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  runtime:
    description: How the engines are run.
    type: str
    choices: [docker, process]
    required: true
  directory:
    description: What everything of hearth on the host lies below.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Show where the engines listen
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.gateway_models('docker', '/var/lib/hearth') }}"
"""

RETURN = r"""
_value:
  description: For each served name its C(addresses), each C(host:port) or C(unix@/path) of an instance; C(paths), what of the API its engine offers;
    C(says_usage), whether that says by itself at the end of a stream what it has counted; and C(aliases), C(default), C(load), C(task), C(slots),
    C(idle_unload_seconds), C(max_output_tokens) and C(answer_deadline_seconds) where the description has them,
    but C(slots) always where there are several instances.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import slots
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

HANDED_ON = (
    "aliases",
    "default",
    "load",
    "task",
    "slots",
    "idle_unload_seconds",
    "max_output_tokens",
    "answer_deadline_seconds",
)


def gateway_models(models: Mapping[str, Mapping[str, Any]], runtime: str, directory: str) -> dict[str, dict[str, Any]]:
    """What an engine serves that is not there has its finding already, and is left away."""
    engine_of = {name: engines().get(model.get("engine", DEFAULT)) for name, model in records(models).items()}
    return {
        name: {
            "addresses": engine.addresses(name, models[name], runtime, directory),
            "paths": list(engine.paths(models[name].get("task", "chat"))),
            "says_usage": engine.says_usage,
            # Among several instances a request is given to one that has a slot for it.
            **({"slots": slots(models[name])} if engine.instances(models[name])[1] > 1 else {}),
            **{key: models[name][key] for key in HANDED_ON if key in models[name]},
        }
        for name, engine in sorted(engine_of.items())
        if engine
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_models": gateway_models}
