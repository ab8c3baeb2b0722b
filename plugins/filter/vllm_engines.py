# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines of vLLM, one for each model."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vllm_engines
short_description: A service for each model of vLLM
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes C(service_items) of the role service from C(vllm_models).
positional: options
options:
  _input:
    description: The models, C(vllm_models).
    type: list
    elements: dict
    required: true
  options:
    description: For each served name its options, as P(hearth.llm.engine_plan#filter) finds them.
    type: dict
    required: true
  image:
    description: Image of vLLM.
    type: str
    required: true
  address:
    description: Address of the host on which the engines listen.
    type: str
    required: true
  ports:
    description: For each served name its port, as P(hearth.llm.engine_plan#filter) finds it.
    type: dict
    required: true
  gpus:
    description: GPUs of an engine whose model names none, as CDI names.
    type: list
    elements: str
    required: true
  paths:
    description: For each served name its directory, where the model says none itself.
    type: dict
    required: true
  models_directory:
    description: What the engines see as C(/models).
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
- name: Show the engines
  ansible.builtin.debug:
    msg: >-
      {{ [{'name': 'chat'}] | hearth.llm.vllm_engines({'chat': {}}, image='docker.io/vllm/vllm-openai:v0.32.0', address='127.0.0.1', ports={'chat': 18101},
         gpus=[], paths={'chat': '/models/chat'}, models_directory='/models', timeout_seconds=900) }}
"""

RETURN = r"""
_value:
  description: For each model the C(name) of its service, its C(command), C(files), C(gpus), C(ports) and its C(health).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.filter.vllm_arguments import vllm_arguments

# In the container.
MODELS, PORT = "/models", 8080


def vllm_engines(
    models: Sequence[Mapping[str, Any]],
    options: Mapping[str, Mapping[str, Any]],
    *,
    image: str,
    address: str,
    ports: Mapping[str, int],
    gpus: Sequence[str],
    paths: Mapping[str, str],
    models_directory: str,
    fingerprints: Mapping[str, str] | None = None,
    timeout_seconds: int,
) -> list[dict[str, Any]]:
    engines = []
    for model in models:
        name = str(model["name"])
        path = str(model.get("path") or paths.get(name, "")).replace(models_directory, MODELS, 1)
        listens = ["--host", "0.0.0.0", "--port", str(PORT)]
        own = ["--config", "{config}/api_key.yaml", "--middleware", "closed_paths.ClosedPaths"]
        engines.append(
            {
                "name": f"vllm-{name}",
                "command": [path, "--served-model-name", name, *listens, *own, *vllm_arguments(options[name], image)],
                "files": [{"path": "fingerprint", "content": str((fingerprints or {}).get(name, ""))}],
                "gpus": list(model.get("gpus", gpus)),
                "ports": [{"address": address, "host": ports[name], "container": PORT}],
                "health": {"url": f"http://{address}:{ports[name]}/health", "timeout_seconds": int(timeout_seconds)},
            }
        )
    return engines


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_engines": vllm_engines}
