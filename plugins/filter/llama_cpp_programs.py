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
  - Makes C(service_items) of the role service from C(llama_cpp_models), with the options that P(hearth.llm.llama_cpp_options#filter) finds.
positional: defaults
options:
  _input:
    description: The models, C(llama_cpp_models).
    type: list
    elements: dict
    required: true
  defaults:
    description: Options for all models. A model's own C(options) go before them.
    type: dict
    default: {}
  directory:
    description: Everything of the engine on the host lies below this directory.
    type: path
    required: true
  paths:
    description: For each served name the file that the model begins with, where the model says none itself.
    type: dict
    required: true
  projectors:
    description: For each served name the file of its projector.
    type: dict
    default: {}
  fingerprints:
    description: For each served name what changes when its bytes do.
    type: dict
    default: {}
  contexts:
    description: For each served name the context of each slot that was planned, tokens.
    type: dict
    default: {}
  planned:
    description: For each served name the options that put it where it was planned.
    type: dict
    default: {}
  prompt_cache_mib:
    description: Host memory for caches of prompts, MiB.
    type: int
    required: true
  timeout_seconds:
    description: How long a model may take to come up, seconds.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show the programs
  ansible.builtin.debug:
    msg: >-
      {{ [{'name': 'chat'}] | hearth.llm.llama_cpp_programs(directory='/var/lib/hearth', paths={'chat': '/models/chat.gguf'}, prompt_cache_mib=512,
         timeout_seconds=300) }}
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

from ansible_collections.hearth.llm.plugins.filter.llama_cpp_options import llama_cpp_options


def llama_cpp_programs(
    models: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any] | None = None,
    *,
    directory: str,
    paths: Mapping[str, str],
    projectors: Mapping[str, str] | None = None,
    fingerprints: Mapping[str, str] | None = None,
    contexts: Mapping[str, int] | None = None,
    planned: Mapping[str, Mapping[str, Any]] | None = None,
    prompt_cache_mib: int,
    timeout_seconds: int,
) -> list[dict[str, Any]]:
    programs = []
    for model in models:
        name = str(model["name"])
        socket = f"{directory}/run/{name}.sock"
        options = llama_cpp_options(
            model,
            defaults,
            path=model.get("path") or paths[name],
            projector=(projectors or {}).get(name, ""),
            prompt_cache_mib=prompt_cache_mib,
            contexts=contexts,
            planned=(planned or {}).get(name),
        )
        told = {"alias": name, "host": socket, **options}
        files = [
            # As Ansible's own to_nice_json writes it.
            {"path": "model.json", "content": json.dumps(told, indent=4, sort_keys=True)},
            {"path": "fingerprint", "content": str((fingerprints or {}).get(name, ""))},
        ]
        health = {"url": "http://localhost/health", "socket_path": socket, "timeout_seconds": int(timeout_seconds)}
        programs.append({"name": f"llama_cpp-{name}", "files": files, "health": health})
    return programs


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_cpp_programs": llama_cpp_programs}
