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
    description: For each served name the options that M(hearth.llm.fit_plan) planned. RV(_value) has them in C(told) only.
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
  description: >-
    C(given), for each served name its options, without dashes, to be judged and compared; C(told), the same with its files, what was planned for
    this host and the devices in a shared container; C(gpus), with C(container), C(devices) and C(findings); C(ports), for each served name a port of the host;
    C(questions), what M(hearth.llm.completion_probe) asks the models that answer at once.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine, context_tokens
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

Model = Mapping[str, Any]
# Where containers have the directory of all models.
MOUNTED = "/models"


def engine_plan(
    models: Sequence[Model],
    engine: str,
    *,
    options: Mapping[str, Any] | None = None,
    contexts: Mapping[str, int] | None = None,
    planned: Mapping[str, Mapping[str, Any]] | None = None,
    prompt_cache_mib: int = 0,
    runtime: str = "docker",
    directory: str = "",
    address: str = "127.0.0.1",
    port: int = 0,
    gpus: Sequence[str] = (),
    gpu_numbers: Sequence[int] = (),
    paths: Mapping[str, str] | None = None,
    projectors: Mapping[str, str] | None = None,
    models_directory: str = "",
) -> dict[str, Any]:
    if engine not in engines():
        raise AnsibleFilterError(f"engine is {engine!r}: use one of {', '.join(engines())}.")
    serving = engines()[engine]
    given_gpus = serving.gpus_of(models, gpus, runtime, gpu_numbers)
    devices = given_gpus["devices"]

    def told(model: Model, placed: Mapping[str, Any]) -> dict[str, Any]:
        name = str(model.get("name", ""))
        context = int((contexts or {}).get(name) or context_tokens(model))
        return serving.options(model, options or {}, context=context, planned=placed, prompt_cache_mib=prompt_cache_mib)

    def placed(name: str) -> dict[str, Any]:
        return {**({"device": devices[name]} if name in devices else {}), **(planned or {}).get(name, {})}

    def files(model: Model) -> dict[str, Any]:
        own = (
            str(model.get("path") or (paths or {}).get(model["name"], "")),
            (projectors or {}).get(model["name"], ""),
        )
        if runtime == "docker" and models_directory:
            own = (own[0].replace(models_directory, MOUNTED, 1), own[1].replace(models_directory, MOUNTED, 1))
        return serving.files(*own)

    try:
        ports = serving.ports([str(model["name"]) for model in models], int(port))
    except InputError as error:
        raise AnsibleFilterError(error.message) from error
    return {
        "given": {model["name"]: told(model, {}) for model in models},
        "told": {model["name"]: {**files(model), **told(model, placed(model["name"]))} for model in models},
        "gpus": given_gpus,
        "ports": ports,
        "questions": [
            {
                "model": model["name"],
                "task": model.get("task", "chat"),
                **_way(serving, str(model["name"]), runtime, directory, address, ports),
                **({"picture": True} if (projectors or {}).get(model["name"]) else {}),
            }
            for model in models
            if serving.asks(model, runtime)
        ],
    }


def _way(
    serving: Engine, name: str, runtime: str, directory: str, address: str, ports: Mapping[str, int]
) -> dict[str, str]:
    """A shared engine is asked where its role says; others each at their own place."""
    if runtime == "process":
        return {"socket_path": serving.socket(name, directory)}
    return {} if serving.shared else {"url": f"http://{address}:{ports[name]}/v1"}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_plan": engine_plan}
