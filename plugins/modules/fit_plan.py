#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How models share the memory of GPUs and host, planned before a byte of them is fetched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fit_plan
short_description: Plan whether models fit the memory of GPUs and host, and how
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says before anything is fetched what each model will take of the GPUs and of the host's memory, which layers go where, and what does not fit.
  - What a model is like is read from the header of its GGUF file, or from C(config.json) and the sizes of its files, by ranges of some megabytes at its origin,
    or on the host where it was fetched already.
  - For what does not fit, or not all of it, the nearest settings are named with which it would. Each of them has been planned
    like the others before it is named.
  - "llama.cpp: weights and cache are counted as it counts them (its C(src/llama-model.cpp), C(src/llama-kv-cache.cpp), C(src/llama-kv-cache-iswa.cpp),
    C(src/llama-memory-recurrent.cpp)), with grouped and latent attention, sliding windows, recurrent states and quantized caches. Compute buffers are
    estimated from the largest tensors of one batch. Against llama.cpp 0.7.0 itself the sum is within 10 % on sixteen models of thirteen
    architectures, each served in ten ways."
  - "vLLM: it takes its share of each GPU; what weights, the largest batch and CUDA graphs leave of that is the cache
    (L(Conserving memory,https://docs.vllm.ai/en/latest/configuration/conserving_memory.html)). These figures have not been compared with vLLM itself."
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  models:
    description: The models. What else stands in an entry is left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Served name.
        type: str
        required: true
      source:
        description: Where the model comes from, as for M(hearth.llm.model).
        type: str
      path:
        description: A file or directory of the host, for a model that has no O(models[].source).
        type: path
      sha256:
        description: Not needed for a plan.
        type: str
      files:
        description: Narrows a whole repository to the files that match one of these globs.
        type: list
        elements: str
        default: []
      engine:
        description: What serves it.
        type: str
        choices: [llama_cpp, vllm]
        default: llama_cpp
      task:
        description: What it is for. Texts to be embedded, or ranked, have to fit one batch.
        type: str
        choices: [chat, embedding, rerank]
        default: chat
      context_tokens:
        description:
          - Length of the context of each slot, in tokens. 4096 when left away, or what the model was trained for where that is less.
          - What the model was trained for stands in its header. A wish beyond it is refused, unless O(models[].options) say how the context is
            stretched (llama.cpp, C(rope-scaling) V(yarn) with C(rope-scale), or C(override-kv); vLLM, C(hf-overrides)).
        type: int
      slots:
        description: How many requests are answered at the same time.
        type: int
        default: 1
      instances:
        description:
          - How many engines serve it. Each is planned like a model of its own, those too that come only when they are needed; from the second on they are
            called C(chat.2).
        type: dict
        suboptions:
          min:
            description: How many are there from the start. By default as the description of models has it.
            type: int
          max:
            description: How many there may be. One by default.
            type: int
      load:
        description:
          - Whether the model is loaded with the engine or by its first request. The first kind is placed first.
          - One that is fetched on its first request stays loaded from then on, and is planned as if it was there.
        type: str
        choices: [startup, on_demand, first_request]
        default: startup
      gpus:
        description:
          - GPUs that its engine is given, as CDI names like V(nvidia.com/gpu=0). All when left away, none when empty.
          - A model that is given some, where there is none, is refused, for its engine would not start.
        type: list
        elements: str
      rpc:
        description: Names of the O(workers) over which it is split. All that they lend, and its own GPUs, are filled alike.
        type: list
        elements: str
        default: []
      nodes:
        description:
          - Hosts over whose GPUs it is split (vLLM). The part of one of them is planned, with the GPUs that are here; each has as many.
          - Its layers are shared out among them, and each layer among the GPUs of one, unless O(models[].options) say otherwise.
        type: list
        elements: str
        default: []
      options:
        description: >-
          The engine's long flags without the dashes. Those that decide about memory are heeded: of llama.cpp C(n-gpu-layers), C(tensor-split), C(split-mode),
          C(main-gpu), C(device), C(ctx-size), C(parallel), C(ubatch-size), C(cache-type-k), C(cache-type-v), C(flash-attn), C(kv-unified), C(kv-offload),
          C(swa-full),
          C(cpu-moe), C(n-cpu-moe), C(cache-ram), C(mmproj) and C(mmproj-offload); of vLLM C(max-model-len), C(max-num-seqs), C(max-num-batched-tokens),
          C(gpu-memory-utilization), C(kv-cache-dtype), C(tensor-parallel-size),
          C(pipeline-parallel-size) and C(enforce-eager).
        type: dict
        default: {}
  gpus:
    description:
      - The GPUs, as M(hearth.llm.gpu_info) returns them. C(index), C(name) and C(memory_bytes) are read; other makers' than NVIDIA's are left out.
      - Their whole memory is planned with, for what is free now may be so, or not, because of our own engines. None means that the processor does all of it.
    type: list
    elements: dict
    default: []
  workers:
    description:
      - Other hosts that lend what they have to models that are split over them (llama.cpp's RPC), each as C(llama_rpc_offer) of the role C(llama_rpc).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What O(models[].rpc) calls it, the host's name in the inventory.
        type: str
        required: true
      address:
        description: Where its worker is, C(host:port).
        type: str
        required: true
      memory_bytes:
        description: Memory of that host that it lends where it has no O(workers[].gpus).
        type: int
        required: true
      gpus:
        description: Its GPUs, with C(name) and C(memory_bytes).
        type: list
        elements: dict
        default: []
      link_mbits:
        description: How fast that host is reached, Mbit/s. V(0) is not known.
        type: int
        default: 0
  memory_bytes:
    description:
      - Memory of the host, in bytes. Read from the host (and from the control group that we are in) when left away; give it to plan for another machine.
    type: int
  gpu_reserve_bytes:
    description: What stays free of each GPU, for the driver and for a desktop, in bytes.
    type: int
    default: 536870912
  memory_reserve_bytes:
    description: What stays free of the host's memory, in bytes.
    type: int
    default: 268435456
  loaded_models_max:
    description: How many models of llama.cpp may be loaded at the same time. V(0) means all. Whichever these are, they have to fit.
    type: int
    default: 0
  prompt_cache_mib:
    description: >-
      Host memory that caches of prompts may grow to, MiB for each loaded model of llama.cpp. It is no reason to refuse a model: where not all of them have
      room, RV(settings) limits them so that they have.
    type: int
    default: 512
  llama_cpp_options:
    description: Options for all models of llama.cpp. A model's own go before these.
    type: dict
    default: {}
  vllm_options:
    description: Options for all models of vLLM. A model's own go before these.
    type: dict
    default: {}
  vllm_environment:
    description: Variables of vLLM's environment. C(VLLM_ALLOW_LONG_MAX_MODEL_LEN) lets a context be longer than what the model was trained for.
    type: dict
    default: {}
  directory:
    description: Where M(hearth.llm.model) keeps models on the host. What lies there is read there.
    type: path
  lock:
    description: Content of the lock file of M(hearth.llm.model), which says which revision of a repository counts.
    type: dict
    default: {}
  token:
    description: The hub's token, for private and gated repositories. E(HF_TOKEN) on the host when left away.
    type: str
  endpoint:
    description: The hub's address. E(HF_ENDPOINT) on the host when left away, and V(https://huggingface.co) when that is not set either.
    type: str
  ca_path:
    description: PEM file, or directory of hashed ones, with further certificates that are trusted.
    type: path
notes:
  - A model that cannot be read (the hub does not answer, the format is not known) gets the verdict V(unknown), and no plan.
  - Of a model that sees, its projector is counted, and the buffers of one picture. They lie on the first GPU that its engine is given, unless
    C(mmproj-offload) is off.
  - What a process takes beside llama.cpp's own buffers is reckoned with 450 MiB of each GPU that it uses, and of the host with 100 MiB, or 300 MiB
    where it uses a GPU.
seealso:
  - module: hearth.llm.gguf_info
  - module: hearth.llm.gpu_info
  - module: hearth.llm.model
"""

EXAMPLES = r"""
- name: Look which GPUs there are
  hearth.llm.gpu_info:
  register: gpu

- name: Plan before fetching
  hearth.llm.fit_plan:
    gpus: "{{ gpu.gpus }}"
    models:
      - name: assistant
        source: hf://bartowski/Mistral-Nemo-Instruct-2407-GGUF/Mistral-Nemo-Instruct-2407-Q4_K_M.gguf
        context_tokens: 8192
        slots: 4
  register: fit

- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ fit.report }}"

- name: Say whether a machine that is not there yet would do
  hearth.llm.fit_plan:
    gpus:
      - {index: 0, name: NVIDIA L4, memory_bytes: 24152899584}
    memory_bytes: 17179869184
    models:
      - name: chat
        engine: vllm
        source: hf://Qwen/Qwen2.5-7B-Instruct-AWQ
        context_tokens: 8192
        slots: 32
        options:
          kv-cache-dtype: fp8
"""

RETURN = r"""
verdict:
  description: The worst of all models. V(fits), V(fits_partly), V(unknown) or V(refused).
  type: str
  returned: success
  sample: fits_partly
models:
  description: One entry for each of O(models), in their order.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: "What this instance is called: as its model, from the second on with its number.", type: str, returned: success, sample: coder.2}
    model: {description: Served name., type: str, returned: success, sample: coder}
    source: {description: From where its header was read., type: str, returned: success}
    engine: {description: What serves it., type: str, returned: success, sample: llama_cpp}
    architecture: {description: What the header names., type: str, returned: success, sample: llama}
    quantization: {description: What the header names., type: str, returned: success, sample: Q3_K_M}
    layers: {description: Number of layers., type: int, returned: success, sample: 56}
    parameters: {description: "Number of weights, counted from the header's tensors. 0 where the header does not say it.", type: int, returned: success}
    trained_context_tokens: {description: "The context that it was trained for, tokens. 0 where nobody says it.", type: int, returned: success, sample: 32768}
    context_tokens: {description: "Context of each slot that was planned with, tokens.", type: int, returned: success, sample: 4096}
    sees: {description: Whether it comes with a projector and takes pictures., type: bool, returned: success, sample: false}
    slots: {description: Slots that were planned with., type: int, returned: success, sample: 2}
    verdict:
      description: >-
        V(fits), all of it as it was asked for. V(fits_partly), it runs, but some layers on the processor, or (vLLM) fewer sequences of full length than slots.
        V(refused), it does not. V(unknown), it could not be read.
      type: str
      returned: success
      sample: refused
    reason: {description: "In words, where something is missing.", type: str, returned: success, sample: 1.9 GiB are missing on GPU 0}
    notes:
      description: >-
        What a person should know of how it was looked up, each a part of a sentence: what an address was taken for, which files of a repository are left
        out.
      type: list
      elements: str
      returned: success
    places:
      description: What lies where.
      type: list
      elements: dict
      returned: success
      contains:
        device: {description: V(GPU n) or V(RAM)., type: str, returned: success, sample: GPU 0}
        layers: {description: Layers on it., type: int, returned: success, sample: 56}
        weight_bytes: {description: Weights., type: int, returned: success}
        cache_bytes: {description: Cache of keys and values and recurrent states., type: int, returned: success}
        compute_bytes: {description: Compute buffers., type: int, returned: success}
        overhead_bytes: {description: What the process takes besides., type: int, returned: success}
        total_bytes: {description: All of these., type: int, returned: success}
        missing_bytes: {description: How much too small the device is., type: int, returned: success}
    total_bytes: {description: "On all devices, bytes.", type: int, returned: success}
    gpu_layers: {description: "Layers on GPUs, as C(n-gpu-layers) counts them: the output is one more.", type: int, returned: success, sample: 57}
    full_sequences: {description: "Of vLLM, how many sequences of full length its cache holds.", type: float, returned: success, sample: 12.5}
    slots_that_fit: {description: "How many slots there could be, all else being equal, up to 256.", type: int, returned: success, sample: 6}
    settings: {description: "Options of the engine that put it where it was planned, as far as O(models) left them open.", type: dict, returned: success}
    gpus: {description: "The GPUs that one of several instances of vLLM is to be given, as CDI names.", type: list, elements: str, returned: success}
    remedies:
      description: Settings with which it would fit, or fit better.
      type: list
      elements: dict
      returned: success
      contains:
        text: {description: In words., type: str, returned: success, sample: "slots: 1"}
        changes: {description: What to change in the entry of O(models)., type: dict, returned: success, sample: {slots: 1}}
        verdict: {description: What it is then., type: str, returned: success, sample: fits}
        gpu_layers: {description: Layers on GPUs then., type: int, returned: success, sample: 57}
settings:
  description: RV(models[].settings) by RV(models[].name).
  type: dict
  returned: success
  sample: {coder: {n-gpu-layers: 57}}
devices:
  description: RV(models[].gpus) by RV(models[].name), of those that have some.
  type: dict
  returned: success
  sample: {large.2: [nvidia.com/gpu=1]}
contexts:
  description:
    - By served name, the context of each slot that was planned with, and that the engine has to be told, in tokens. Models that could not be read are
      not there.
  type: dict
  returned: success
  sample: {coder: 4096}
facts:
  description: By served name, what its header says, C(trained_context_tokens), C(parameters) and C(sees), as far as it is known.
  type: dict
  returned: success
  sample: {coder: {parameters: 22247282688, sees: false, trained_context_tokens: 32768}}
findings:
  description: What no memory can heal, each a sentence with the model, the value and the remedy.
  type: list
  elements: str
  returned: success
refused:
  description: Served names of the models that do not fit.
  type: list
  elements: str
  returned: success
report:
  description: The plan as a table for people.
  type: str
  returned: success
"""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT
from ansible_collections.hearth.llm.plugins.module_utils._engines._on_targets import ENGINES
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import DEFAULT_ENDPOINT, Hub
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolver
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._fit import caches, report, settings
from ansible_collections.hearth.llm.plugins.module_utils._fit import machine as machines
from ansible_collections.hearth.llm.plugins.module_utils._fit.planner import VERDICTS, Wanted, plan
from ansible_collections.hearth.llm.plugins.module_utils._fit.remedies import Finder
from ansible_collections.hearth.llm.plugins.module_utils._fit.sources import Reader
from ansible_collections.hearth.llm.plugins.module_utils._host.facts import memory_bytes
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._served_names import instance

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts


class TooLongError(InputError):
    """The description asks for a longer context than the model has."""


# The plan is no download: whoever does not answer soon is told to be unknown, and what fetches will wait longer.
CONNECT_SECONDS = 8.0
ATTEMPTS = 2


def argument_spec() -> dict[str, Any]:
    model = {
        "name": {"type": "str", "required": True},
        "source": {"type": "str"},
        "path": {"type": "path"},
        "sha256": {"type": "str"},
        "files": {"type": "list", "elements": "str", "default": []},
        "engine": {
            "type": "str",
            "choices": [name for name, engine in ENGINES.items() if engine.planned],
            "default": DEFAULT,
        },
        "task": {"type": "str", "choices": ["chat", "embedding", "rerank"], "default": "chat"},
        "context_tokens": {"type": "int", "no_log": False},
        "slots": {"type": "int", "default": 1},
        "instances": {"type": "dict", "options": {"min": {"type": "int"}, "max": {"type": "int"}}},
        "load": {"type": "str", "choices": ["startup", "on_demand", "first_request"], "default": "startup"},
        "gpus": {"type": "list", "elements": "str"},
        "rpc": {"type": "list", "elements": "str", "default": []},
        "nodes": {"type": "list", "elements": "str", "default": []},
        "options": {"type": "dict", "default": {}},
    }
    worker = {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "memory_bytes": {"type": "int", "required": True},
        "gpus": {"type": "list", "elements": "dict", "default": []},
        "link_mbits": {"type": "int", "default": 0},
    }
    return {
        "models": {"type": "list", "elements": "dict", "required": True, "options": model},
        "gpus": {"type": "list", "elements": "dict", "default": []},
        "workers": {"type": "list", "elements": "dict", "default": [], "options": worker},
        "memory_bytes": {"type": "int"},
        "gpu_reserve_bytes": {"type": "int", "default": 536870912},
        "memory_reserve_bytes": {"type": "int", "default": 268435456},
        "loaded_models_max": {"type": "int", "default": 0},
        "prompt_cache_mib": {"type": "int", "default": 512},
        "llama_cpp_options": {"type": "dict", "default": {}},
        "vllm_options": {"type": "dict", "default": {}},
        "vllm_environment": {"type": "dict", "default": {}},
        "directory": {"type": "path"},
        "lock": {"type": "dict", "default": {}},
        "token": {"type": "str", "no_log": True},
        "endpoint": {"type": "str"},
        "ca_path": {"type": "path"},
    }


def run(params: Mapping[str, Any], host: Host, environment: Mapping[str, str]) -> dict[str, Any]:
    machine = machines.Machine(
        (*machines.lent(params["workers"]), *machines.gpus(params["gpus"])),
        params["memory_bytes"] if params["memory_bytes"] is not None else memory_bytes(host),
        params["gpu_reserve_bytes"],
        params["memory_reserve_bytes"],
    )
    if not machine.memory_bytes:
        raise InputError("The kernel does not say how much memory there is. Give memory_bytes.")
    if params["loaded_models_max"] < 0:
        raise InputError(
            "loaded_models_max: a number below 0 makes no sense. Give 0 for all, or how many there may be."
        )
    wanted, unplanned, notes = _look(params, environment, machine)
    planned, ledger = plan(wanted, machine, params["loaded_models_max"])
    finder = Finder(wanted, machine, params["loaded_models_max"], planned)
    told = {
        one.wanted.name: report.model(
            one,
            machine,
            [] if one.verdict == "fits" else finder.find(one),
            finder.most_slots(one),
            notes.get(one.wanted.name, ()),
        )
        for one in planned
    }
    limits, growth = caches.share(planned, ledger, params["loaded_models_max"])
    for name, mib in limits.items():
        told[name]["settings"]["cache-ram"] = mib
    models = [
        told.get(called) or unplanned[called]
        for model in params["models"]
        for called in _called(model, 1 if model["name"] in unplanned else _instances(model)[1])
    ]
    described = {model["name"] for model in params["models"]}
    first = [model for model in models if model["name"] in described]
    ranks = [*VERDICTS[:-1], "unknown", VERDICTS[-1]]
    return {
        "verdict": max((model["verdict"] for model in models), key=ranks.index, default=ranks[0]),
        "models": models,
        "settings": {model["name"]: model["settings"] for model in models if model["settings"]},
        "devices": {model["name"]: model["gpus"] for model in models if model["gpus"]},
        "contexts": {model["name"]: model["context_tokens"] for model in first if model["context_tokens"]},
        "facts": {
            model["name"]: {
                key: model[key]
                for key in ("trained_context_tokens", "parameters", "sees")
                if model[key] != 0 or key == "sees"
            }
            for model in first
            if model["layers"]
        },
        "findings": [f"{one['name']}: {one['reason']}" for one in unplanned.values() if one["verdict"] == VERDICTS[-1]],
        "refused": [model["name"] for model in models if model["verdict"] == "refused"],
        "report": report.table(models, machine, ledger, growth),
    }


def _look(
    params: Mapping[str, Any], environment: Mapping[str, str], machine: machines.Machine
) -> tuple[list[Wanted], dict[str, dict[str, Any]], Mapping[str, Sequence[str]]]:
    """What the models are like, those that could not be looked at or cannot be as they are described, and what a person should know of both."""
    endpoint = params["endpoint"] or environment.get("HF_ENDPOINT") or DEFAULT_ENDPOINT
    token = params["token"] or environment.get("HF_TOKEN")
    store = Store(params["directory"] or os.devnull)
    found, unplanned = [], {}
    with Client(ca_path=params["ca_path"], connect_seconds=CONNECT_SECONDS, attempts=ATTEMPTS) as client:
        hub = Hub(client, endpoint, token)
        resolver = Resolver(
            client,
            hub,
            store,
            params["lock"],
            update=False,
            allow_http=True,
            reading=lambda _name, _size: lambda _count: None,
            need_hashes=False,
        )
        reader = Reader(client, store, resolver, hub, token)
        for model in params["models"]:
            try:
                found += _all_instances(model, _wanted(model, params, reader, machine))
            except TooLongError as error:
                unplanned[model["name"]] = report.unplanned(
                    model, error.message, VERDICTS[-1], reader.notes.get(model["name"], ())
                )
            except InputError:
                raise
            except HearthError as error:
                unplanned[model["name"]] = report.unplanned(
                    model, error.message, "unknown", reader.notes.get(model["name"], ())
                )
        return found, unplanned, reader.notes


def _instances(model: Mapping[str, Any]) -> tuple[int, int]:
    # Ansible gives what was not said as None.
    said = {key: value for key, value in (model["instances"] or {}).items() if value is not None}
    return ENGINES[model["engine"]].instances({**model, "instances": said})


def _called(model: Mapping[str, Any], most: int) -> list[str]:
    return [instance(model["name"], number) for number in range(1, most + 1)]


def _all_instances(model: Mapping[str, Any], wanted: Wanted) -> list[Wanted]:
    """Each is planned like a model of its own, also those that come only when they are needed."""
    least, most = _instances(model)
    return [
        replace(wanted, name=called, number=number, of=most, on_demand=wanted.on_demand or number > max(1, least))
        for number, called in enumerate(_called(model, most), 1)
    ]


def _wanted(model: Mapping[str, Any], params: Mapping[str, Any], reader: Reader, machine: machines.Machine) -> Wanted:
    gpus = machines.given_to(model["gpus"], machine.gpus)
    lent = _lent(model, params, machine)
    on_demand = model["load"] != "startup"
    options = params[f"{model['engine']}_options"]
    why = machines.why_none(params["gpus"])
    if ENGINES[model["engine"]].serves == "repository":
        repository, place = reader.repository(model)
        _check_context(model, params, repository.trained_context, place)
        count = len(machine.gpus) if gpus is None else len(gpus)
        served = settings.vllm(model, options, repository.trained_context, count)
        return Wanted(model["name"], repository, served, on_demand, place, gpus, bool(model["gpus"]), why)
    facts, sight, place = reader.gguf(model)
    _check_task(model, facts, options)
    _check_context(model, params, facts.trained_context, place)
    named = settings.mmproj(model, options)
    if named:
        sight = reader.projector(model, named)
    serving = settings.llama_cpp(model, options, params["prompt_cache_mib"] << 20, facts.trained_context)
    told = settings.devices(model, options)
    if told is not None:
        there = tuple(range(len(machine.gpus))) if gpus is None else gpus
        if there and told and max(told) >= len(there):
            raise InputError(
                f"{model['name']}: the option device names CUDA{max(told)}, and its engine is given {len(there)} of the GPUs. "
                f"Name CUDA0 to CUDA{len(there) - 1}."
            )
        gpus = tuple(there[number] for number in told if number < len(there))
    if lent:
        gpus = (*lent, *(gpus or ()))
    count = len(machine.gpus) if gpus is None else len(gpus)
    if count and serving.split is not None and not sum(serving.split[:count]):
        raise InputError(
            f"{model['name']}: its options give all layers to GPU {len(serving.split) - 1} of those that its engine is given, and these are {count}, counted"
            " from 0. Correct main-gpu or tensor-split, or name more in gpus."
        )
    return Wanted(model["name"], facts, serving, on_demand, place, gpus, bool(model["gpus"]), why, sight)


def _lent(model: Mapping[str, Any], params: Mapping[str, Any], machine: machines.Machine) -> tuple[int, ...]:
    """What the workers lend over which a model is split."""
    known = {worker["name"]: worker["address"] for worker in params["workers"]}
    strangers = [name for name in model["rpc"] if name not in known]
    if strangers:
        # What is not known yet is no refusal: the role llama_cpp starts no head without its workers.
        raise HearthError(
            f"It is split over {', '.join(strangers)}, and nothing is known of what that lends. The role hearth.llm.llama_rpc says it there"
        )
    return machines.lent_to([known[name] for name in model["rpc"]], machine.gpus)


def _check_task(model: Mapping[str, Any], facts: Facts, defaults: Mapping[str, Any]) -> None:
    """What the header says that the model is for, and the description does not, is said before it is fetched."""
    pooling = any(canonical(flag) == "pooling" for given in (defaults, model["options"]) for flag in given)
    if facts.ranks and model["task"] != "rerank" and not pooling:
        raise InputError(
            f"{model['name']}: its file says that it ranks documents, and its task is {model['task']}. Write task: rerank."
        )
    if facts.encoder and model["task"] == "chat":
        raise InputError(
            f"{model['name']}: its file says that it reads texts and writes none ({facts.architecture}), and its task is chat. Write task: embedding."
        )


def _check_context(model: Mapping[str, Any], params: Mapping[str, Any], trained: int, place: str) -> None:
    """A model cannot read further than it was trained for, however much memory there is."""
    engine = ENGINES[model["engine"]]
    options = params[f"{engine.name}_options"]
    asked, word = engine.asked_context(model, options)
    longest = engine.longest_context(model, options, trained, params.get(f"{engine.name}_environment") or {})
    if not longest or asked <= longest:
        return
    raise TooLongError(
        f"{word} asks for a context of {asked} tokens, and the model takes at most {longest}: it was trained for {trained}, as {place} says. "
        f"Give at most {longest}, or leave it away; or say in its options how the context is stretched ({engine.stretched_by})."
    )


def main() -> None:
    run_module(lambda module: run(module.params, Host("/"), os.environ), argument_spec())


if __name__ == "__main__":
    main()
