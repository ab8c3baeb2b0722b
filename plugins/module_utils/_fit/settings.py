# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model is to be served, as far as that decides about memory: from its description and the engine's own options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engines._words import NO, number, share, switch
from ansible_collections.hearth.llm.plugins.module_utils._engines.llama_cpp import ENGINE as LLAMA_CPP
from ansible_collections.hearth.llm.plugins.module_utils._engines.llama_cpp import described, long
from ansible_collections.hearth.llm.plugins.module_utils._engines.vllm import ENGINE as VLLM
from ansible_collections.hearth.llm.plugins.module_utils._engines.vllm import long as vllm_long
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.tables import TENSOR_TYPES

if TYPE_CHECKING:
    from typing import Mapping

# Options that say how many layers go to GPUs, and to which.
LAYERS = "n-gpu-layers"
TENSOR = "tensor-parallel-size"
SPLITS = ("tensor-split", "split-mode", "main-gpu", "device")
CACHE_BYTES = {name.lower(): size / weights for name, weights, size in TENSOR_TYPES.values()}
_CUDA_DEVICE = re.compile(r"CUDA(\d+)\Z", re.IGNORECASE)
_ALL_LAYERS = 1 << 20


@dataclass(frozen=True)
class LlamaCpp:
    """Defaults are llama-server's own."""

    # Of each slot.
    context: int = 4096
    slots: int = 1
    key_type: str = "f16"
    value_type: str = "f16"
    batch: int = 512
    flash: bool = True
    unified: bool = False
    full_window: bool = False
    cache_on_gpu: bool = True
    embedding: bool = False
    # Layers from the first one on whose experts stay in the host's memory.
    host_experts: int = 0
    # None: whatever fits.
    gpu_layers: int | None = None
    # Shares of the GPUs; None: whatever fits.
    split: tuple[float, ...] | None = None
    # What its cache of prompts may grow to, and whether the description says so itself.
    prompt_cache_bytes: int = 0
    cache_is_named: bool = False
    projector_on_gpu: bool = True
    # Split over workers on other hosts: all that it is given is filled alike.
    spread: bool = False
    # Options about GPUs that the description names: nobody else sets them then.
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vllm:
    """Defaults are those of vLLM's server, but for context and slots, which our description always has."""

    context: int = 4096
    slots: int = 1
    batch: int = 2048
    utilization: float = 0.9
    # Of all hosts together.
    gpus: int = 1
    # Parts of the layers, one behind the other, each of which is shared by the others of its GPUs.
    pipeline: int = 1
    # Hosts that have as many of them each.
    nodes: int = 1
    cache_bytes: int = 2
    eager: bool = False
    # Options about GPUs that the description names.
    named: tuple[str, ...] = ()


def llama_cpp(
    model: Mapping[str, Any], defaults: Mapping[str, Any], prompt_cache_bytes: int, trained_context: int
) -> LlamaCpp:
    """As the role llama_cpp tells them to the engine, which takes the context that the model was trained for where it is told 0."""
    engine = LLAMA_CPP
    told = engine.options(
        model,
        defaults,
        context=engine.decided_context(model, defaults, trained_context),
        prompt_cache_mib=prompt_cache_bytes >> 20,
    )
    options = long(told)
    name = str(model["name"])
    slots = max(1, number(name, options, "parallel", 1))
    total = number(name, options, "ctx-size", 0) or trained_context
    batch = number(name, options, "ubatch-size", LlamaCpp.batch)
    unified = switch(options, "kv-unified", default=False)
    context = total if unified else -(-total // slots)
    layers = options.get(LAYERS, "auto")
    named = described(model, defaults)
    return LlamaCpp(
        context=max(1, context),
        slots=slots,
        key_type=_cache_type(name, options, "cache-type-k"),
        value_type=_cache_type(name, options, "cache-type-v"),
        batch=max(1, min(batch, total)),
        flash=str(options.get("flash-attn", "auto")).lower() not in NO,
        unified=unified,
        full_window=switch(options, "swa-full", default=False),
        cache_on_gpu=switch(options, "kv-offload", default=True),
        embedding=switch(options, "embeddings", default=False),
        host_experts=_ALL_LAYERS
        if switch(options, "cpu-moe", default=False)
        else number(name, options, "n-cpu-moe", 0),
        gpu_layers=None
        if layers in ("auto", -1, "-1")
        else _ALL_LAYERS
        if layers in ("all", -2, "-2")
        else number(name, options, LAYERS, 0),
        split=_split(name, options),
        named=tuple(flag for flag in (LAYERS, *SPLITS) if flag in named),
        spread=bool(model.get("rpc")),
        projector_on_gpu=switch(options, "mmproj-offload", default=True),
        prompt_cache_bytes=max(0, number(name, options, "cache-ram", 0)) << 20,
        cache_is_named="cache-ram" in named,
    )


def vllm(model: Mapping[str, Any], defaults: Mapping[str, Any], trained_context: int, gpus_here: int = 0) -> Vllm:
    """As the role vllm tells them to the engine, which finds a context itself where it is told auto: at most what the model was trained for. `gpus_here`:
    how many GPUs each of its hosts gives it, where it has several."""
    engine = VLLM
    context = engine.decided_context(model, defaults, trained_context)
    options = vllm_long(engine.options(model, defaults, context=context))
    name = str(model["name"])
    cache = str(options.get("kv-cache-dtype", "auto")).lower()
    nodes = len(model.get("nodes") or ()) or 1
    pipeline = max(1, number(name, options, "pipeline-parallel-size", 1))
    # What is left open, each host's GPUs share.
    tensor = number(name, options, TENSOR, max(1, gpus_here * nodes // pipeline) if nodes > 1 else 1)
    return Vllm(
        context=context,
        slots=number(name, options, "max-num-seqs", 1),
        batch=number(name, options, "max-num-batched-tokens", Vllm.batch),
        utilization=share(name, options, "gpu-memory-utilization", Vllm.utilization),
        gpus=tensor * pipeline,
        pipeline=pipeline,
        nodes=nodes,
        named=tuple(flag for flag in (TENSOR,) if flag in vllm_long(options)),
        cache_bytes=1 if cache.startswith("fp8") else 4 if cache in ("float32", "fp32") else 2,
        eager=switch(options, "enforce-eager", default=False),
    )


def devices(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Which of the GPUs that it is given llama-server is told to use, by their place among them. None: all."""
    told = described(model, defaults).get("device")
    if told is None:
        return None
    names = [str(name).strip() for name in (told if isinstance(told, list) else str(told).split(","))]
    numbers = [found.group(1) if found else None for found in map(_CUDA_DEVICE.match, names)]
    if names == ["none"]:
        return ()
    return None if None in numbers else tuple(int(number) for number in numbers if number is not None)


def mmproj(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The file that makes embeddings of pictures, where there is one."""
    return str(described(model, defaults).get("mmproj") or "")


def _cache_type(name: str, options: Mapping[str, Any], flag: str) -> str:
    kind = str(options.get(flag, "f16")).lower()
    if kind not in CACHE_BYTES:
        raise InputError(f"{name}: the option {flag} is {kind!r}, which is no type of llama.cpp's. Write f16 or q8_0.")
    return kind


def _split(name: str, options: Mapping[str, Any]) -> tuple[float, ...] | None:
    """What the options say about GPUs, as shares: split-mode none is all on the main one."""
    main = number(name, options, "main-gpu", 0)
    if str(options.get("split-mode", "layer")) == "none":
        return (*(0.0 for _gpu in range(main)), 1.0)
    if "tensor-split" not in options:
        return None
    given = options["tensor-split"]
    try:
        parts = [
            float(part) for part in (str(given).replace("/", ",").split(",") if not isinstance(given, list) else given)
        ]
    except ValueError:
        parts = []
    if not parts or sum(parts) <= 0 or min(parts) < 0:
        raise InputError(
            f"{name}: the option tensor-split is {given!r}, and should be one share for each GPU, like 3,1."
        )
    return tuple(parts)
