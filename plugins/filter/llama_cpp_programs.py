# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that serve llama.cpp's models where each model has its own."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_cpp_programs
short_description: A service for each model of llama.cpp
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes C(service_items) of the role service from C(llama_cpp_models), with the options that P(hearth.llm.engine_plan#filter) finds.
positional: told
options:
  _input:
    description: The models, C(llama_cpp_models).
    type: list
    elements: dict
    required: true
  told:
    description: For each served name its options, with its files, C(told) of P(hearth.llm.engine_plan#filter).
    type: dict
    required: true
  directory:
    description: Everything of the engine on the host lies below this directory.
    type: path
    required: true
  fingerprints:
    description: For each served name what changes when its bytes do.
    type: dict
    default: {}
  timeout_seconds:
    description: How long a model may take to come up, seconds.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show the programs
  ansible.builtin.debug:
    msg: >-
      {{ [{'name': 'chat'}] | hearth.llm.llama_cpp_programs({'chat': {'model': '/models/chat.gguf'}}, directory='/var/lib/hearth', timeout_seconds=300) }}
"""

RETURN = r"""
_value:
  description: For each model the C(name) of its service, its C(files) and its C(health).
  type: list
  elements: dict
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engine


def llama_cpp_programs(
    models: Sequence[Mapping[str, Any]],
    told: Mapping[str, Mapping[str, Any]],
    *,
    directory: str,
    fingerprints: Mapping[str, str] | None = None,
    timeout_seconds: int,
) -> list[dict[str, Any]]:
    serving = engine("llama_cpp")
    programs = []
    for model in models:
        name = str(model["name"])
        socket = serving.socket(name, directory)
        options = {"alias": name, "host": socket, **told[name]}
        files = [
            # As Ansible's own to_nice_json writes it.
            {"path": "model.json", "content": json.dumps(options, indent=4, sort_keys=True)},
            {"path": "fingerprint", "content": str((fingerprints or {}).get(name, ""))},
        ]
        health = {"url": "http://localhost/health", "socket_path": socket, "timeout_seconds": int(timeout_seconds)}
        programs.append({"name": f"llama_cpp-{name}", "files": files, "health": health})
    return programs


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_cpp_programs": llama_cpp_programs}
