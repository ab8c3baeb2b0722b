# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine is told of each of its models, and how the engine is reached on its host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_plan
short_description: What an engine is told of its models, and where they are asked
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - All that the role of an engine has to know of the models that it serves, in the engine's own words. The same words are planned with by
    M(hearth.llm.fit_plan).
  - Options of all models come before those that the description means; a model's own come before both.
positional: engine
options:
  _input:
    description: The models of the engine, such as C(llama_cpp_models).
    type: list
    elements: dict
    required: true
  engine:
    description: The engine, as C(engine) of a model names it.
    type: str
    required: true
  options:
    description: Options for all models.
    type: dict
    default: {}
  contexts:
    description: For each served name the context of each slot that M(hearth.llm.fit_plan) planned, in tokens.
    type: dict
    default: {}
  planned:
    description: For each instance the options that M(hearth.llm.fit_plan) planned. RV(_value) has them in C(told) only.
    type: dict
    default: {}
  prompt_cache_mib:
    description: Host memory for caches of prompts, MiB for each model (llama.cpp).
    type: int
    default: 0
  runtime:
    description: How the engine is run.
    type: str
    choices: [docker, process]
    default: docker
  directory:
    description: What everything of the engine on the host lies below.
    type: path
    default: ''
  address:
    description: The address of the host on which it listens.
    type: str
    default: 127.0.0.1
  port:
    description: The port of the host on which it listens, or the first of them.
    type: int
    default: 0
  gpus:
    description: GPUs of the host that the engine may use, as CDI names. A model may have its own.
    type: list
    elements: str
    default: []
  gpu_numbers:
    description: Numbers of the GPUs that the host has. Empty, none of them is lost.
    type: list
    elements: int
    default: []
  planned_gpus:
    description: For each instance the GPUs where M(hearth.llm.fit_plan) planned it, where it may not have those of the others.
    type: dict
    default: {}
  paths:
    description: For each served name the file, or the directory, of the model on the host. A model may have its own C(path).
    type: dict
    default: {}
  projectors:
    description: For each served name the file of its projector, as far as there is one.
    type: dict
    default: {}
  models_directory:
    description: What the models' files lie below. In a container it is C(/models).
    type: path
    default: ''
  fingerprints:
    description: For each served name what changes when its bytes do.
    type: dict
    default: {}
  build:
    description: The reference of the image, where the words of the command line depend on it (vLLM, and llama.cpp where it splits a model over workers).
    type: str
    default: ''
  workers:
    description: For each served name the addresses of the workers that the model is split over, C(host:port) (llama.cpp).
    type: dict
    default: {}
  node:
    description: The host's name in the inventory, which C(nodes) of models know it by (vLLM).
    type: str
    default: ''
  places:
    description: For each host over which a model is split the C(address) and the C(interface) at which it meets the others (vLLM).
    type: dict
    default: {}
  node_port:
    description: The first of the ports at which the parts of such models meet (vLLM).
    type: int
    default: 0
  timeout_seconds:
    description: How long a model may take to come up, seconds.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Show how a model is served
  ansible.builtin.debug:
    msg: "{{ (my_models | hearth.llm.engine_plan('vllm', options={'kv-cache-dtype': 'fp8'})).given.chat }}"
  vars:
    my_models:
      - {name: chat, context_tokens: 8192, slots: 32}
"""

RETURN = r"""
_value:
  description:
  - >-
    C(given), for each served name its options, without dashes, to be judged and compared; C(told), the same for each instance with its files, what was planned
    for this host and the devices in a shared container; C(gpus), with C(container), C(devices) and C(findings); C(ports), for each instance a port of the host;
    C(questions), what M(hearth.llm.completion_probe) asks the instances that answer at once; C(services), C(service_items) of the role service, one for each
    instance, or where models share one for as many instances as the model has that has most; C(parts), the same of models that another host serves and of
    which this one has a part.
  - An instance is called by the served name of its model, and from the second on with a dot and its number behind it, C(chat.2).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_plan": engine_plan}
