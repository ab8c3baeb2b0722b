# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model is to be served, as far as that decides about memory: from its description and the engine's own options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils import _served_options as served
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.tables import TENSOR_TYPES

if TYPE_CHECKING:
    from typing import Mapping

# Short forms of llama-server's flags that decide about memory.
_LONG = {
    "b": "batch-size",
    "c": "ctx-size",
    "dev": "device",
    "embedding": "embeddings",
    "device-memory-utilization": "gpu-memory-utilization",
    "cmoe": "cpu-moe",
    "ctk": "cache-type-k",
    "ctv": "cache-type-v",
    "fa": "flash-attn",
    "gpu-layers": "n-gpu-layers",
    "kvu": "kv-unified",
    "mg": "main-gpu",
    "mm": "mmproj",
    "ncmoe": "n-cpu-moe",
    "ngl": "n-gpu-layers",
    "nkvo": "no-kv-offload",
    "np": "parallel",
    "sm": "split-mode",
    "tp": "tensor-parallel-size",
    "ts": "tensor-split",
    "ub": "ubatch-size",
}
# Options that say how many layers go to GPUs, and to which.
LAYERS = "n-gpu-layers"
SPLITS = ("tensor-split", "split-mode", "main-gpu", "device")
CACHE_BYTES = {name.lower(): size / weights for name, weights, size in TENSOR_TYPES.values()}
# vLLM takes 4k and 4K, which are not the same.
_WHOLE = re.compile(r"(-?\d+(?:\.\d+)?)([kKmMgG]?)\Z")
_UNITS = {"": 1, "k": 10**3, "K": 1 << 10, "m": 10**6, "M": 1 << 20, "g": 10**9, "G": 1 << 30}
_CUDA_DEVICE = re.compile(r"CUDA(\d+)\Z", re.IGNORECASE)
# llama.cpp's way to say another thing than the file's header.
_OVERRIDDEN_CONTEXT = re.compile(r"\.context_length=int:(\d+)")
_ALL_LAYERS = 1 << 20
_NO_WORDS = ("off", "false", "0", "no", "disabled")


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
    # Options about GPUs that the description names: nobody else sets them then.
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vllm:
    """Defaults are those of vLLM's server, but for context and slots, which our description always has."""

    context: int = 4096
    slots: int = 1
    batch: int = 2048
    utilization: float = 0.9
    gpus: int = 1
    cache_bytes: int = 2
    eager: bool = False


def llama_cpp(
    model: Mapping[str, Any], defaults: Mapping[str, Any], prompt_cache_bytes: int, trained_context: int
) -> LlamaCpp:
    """As the role llama_cpp tells them to the engine, which takes the context that the model was trained for where it is told 0."""
    told = served.llama_cpp(
        model,
        defaults,
        context=decided_context(model, defaults, "llama_cpp", trained_context),
        prompt_cache_mib=prompt_cache_bytes >> 20,
    )
    options = _long(told)
    name = str(model["name"])
    slots = max(1, _number(name, options, "parallel", 1))
    total = _number(name, options, "ctx-size", 0) or trained_context
    batch = _number(name, options, "ubatch-size", LlamaCpp.batch)
    unified = _switch(options, "kv-unified", default=False)
    context = total if unified else -(-total // slots)
    layers = options.get(LAYERS, "auto")
    named = _options(model, defaults)
    return LlamaCpp(
        context=max(1, context),
        slots=slots,
        key_type=_cache_type(name, options, "cache-type-k"),
        value_type=_cache_type(name, options, "cache-type-v"),
        batch=max(1, min(batch, total)),
        flash=str(options.get("flash-attn", "auto")).lower() not in _NO_WORDS,
        unified=unified,
        full_window=_switch(options, "swa-full", default=False),
        cache_on_gpu=_switch(options, "kv-offload", default=True),
        embedding=_switch(options, "embeddings", default=False),
        host_experts=_ALL_LAYERS
        if _switch(options, "cpu-moe", default=False)
        else _number(name, options, "n-cpu-moe", 0),
        gpu_layers=None
        if layers in ("auto", -1, "-1")
        else _ALL_LAYERS
        if layers in ("all", -2, "-2")
        else _number(name, options, LAYERS, 0),
        split=_split(name, options),
        named=tuple(flag for flag in (LAYERS, *SPLITS) if flag in named),
        projector_on_gpu=_switch(options, "mmproj-offload", default=True),
        prompt_cache_bytes=max(0, _number(name, options, "cache-ram", 0)) << 20,
        cache_is_named="cache-ram" in named,
    )


def vllm(model: Mapping[str, Any], defaults: Mapping[str, Any], trained_context: int) -> Vllm:
    """As the role vllm tells them to the engine, which finds a context itself where it is told auto: at most what the model was trained for."""
    context = decided_context(model, defaults, "vllm", trained_context)
    options = _long(served.vllm(model, defaults, context=context))
    name = str(model["name"])
    cache = str(options.get("kv-cache-dtype", "auto")).lower()
    return Vllm(
        context=context,
        slots=_number(name, options, "max-num-seqs", 1),
        batch=_number(name, options, "max-num-batched-tokens", Vllm.batch),
        utilization=_share(name, options),
        gpus=_number(name, options, "tensor-parallel-size", 1) * _number(name, options, "pipeline-parallel-size", 1),
        cache_bytes=1 if cache.startswith("fp8") else 4 if cache in ("float32", "fp32") else 2,
        eager=_switch(options, "enforce-eager", default=False),
    )


def asked_context(model: Mapping[str, Any], defaults: Mapping[str, Any], engine: str) -> tuple[int, str]:
    """The context of each slot that the description itself asks for, and in which word; 0 where it leaves that open."""
    options, name = _options(model, defaults), str(model["name"])
    if engine == "vllm" and "max-model-len" in options:
        chosen_by_vllm = str(options["max-model-len"]) in ("auto", "-1")
        return 0 if chosen_by_vllm else _number(name, options, "max-model-len", 0), "max-model-len"
    if engine == "llama_cpp" and "ctx-size" in options:
        slots = max(1, _number(name, options, "parallel", served.slots(model)))
        return _number(name, options, "ctx-size", 0) // slots, "ctx-size"
    return int(model.get("context_tokens") or 0), "context_tokens"


def decided_context(model: Mapping[str, Any], defaults: Mapping[str, Any], engine: str, trained_context: int) -> int:
    """The context of each slot that is planned, and that the engine is told."""
    asked, word = asked_context(model, defaults, engine)
    if asked or word == "context_tokens":
        return asked or served.context_tokens(model, trained_context)
    # The engine is told to take what the model was trained for.
    options, name = _options(model, defaults), str(model["name"])
    shared = max(1, _number(name, options, "parallel", served.slots(model))) if engine == "llama_cpp" else 1
    return max(1, (trained_context or served.DEFAULT_CONTEXT) // shared)


def longest_context(
    model: Mapping[str, Any],
    defaults: Mapping[str, Any],
    engine: str,
    trained_context: int,
    environment: Mapping[str, Any],
) -> int:
    """The longest context that the engine gives this model, with what the options say of longer ones. 0: not known, or without an end."""
    options, name = _options(model, defaults), str(model["name"])
    if engine == "vllm":
        # What overrides config.json may lengthen it in a dozen ways, each of which vLLM judges itself.
        free = options.get("hf-overrides") or str(environment.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "0")) != "0"
        return 0 if free else trained_context
    override = _OVERRIDDEN_CONTEXT.search(str(options.get("override-kv", "")))
    if override:
        return int(override.group(1))
    # llama-server caps a slot at what the model was trained for, but for YaRN, which stretches that.
    if str(options.get("rope-scaling")) != "yarn":
        return trained_context
    if "rope-scale" not in options and "rope-freq-scale" not in options:
        return 0
    scale = (
        _scale(name, options, "rope-scale") if "rope-scale" in options else 1 / _scale(name, options, "rope-freq-scale")
    )
    return int(trained_context * scale)


def devices(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Which of the GPUs that it is given llama-server is told to use, by their place among them. None: all."""
    told = _options(model, defaults).get("device")
    if told is None:
        return None
    names = [str(name).strip() for name in (told if isinstance(told, list) else str(told).split(","))]
    numbers = [found.group(1) if found else None for found in map(_CUDA_DEVICE.match, names)]
    if names == ["none"]:
        return ()
    return None if None in numbers else tuple(int(number) for number in numbers if number is not None)


def mmproj(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The file that makes embeddings of pictures, where there is one."""
    return str(_options(model, defaults).get("mmproj") or "")


def _options(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What the description itself says in the engine's words."""
    return {**_long(defaults), **_long(model.get("options") or {})}


def _long(given: Mapping[str, Any]) -> dict[str, Any]:
    """By the one name that each option has here; what stands last counts."""
    options: dict[str, Any] = {}
    for flag, value in given.items():
        flat = canonical(flag)
        options[_LONG.get(flat, flat)] = value
    return options


def _scale(name: str, options: Mapping[str, Any], flag: str) -> float:
    try:
        scale = float(options[flag])
    except (TypeError, ValueError):
        scale = 0.0
    if scale <= 0:
        raise InputError(f"{name}: the option {flag} is {options[flag]!r}, and should be a number above 0.")
    return scale


def _number(name: str, options: Mapping[str, Any], flag: str, default: int) -> int:
    found = _WHOLE.match(str(options.get(flag, default)))
    if not found:
        raise InputError(f"{name}: the option {flag} is {options[flag]!r}, and should be a whole number.")
    return int(float(found.group(1)) * _UNITS[found.group(2)])


def _share(name: str, options: Mapping[str, Any]) -> float:
    try:
        share = float(options.get("gpu-memory-utilization", Vllm.utilization))
    except (TypeError, ValueError):
        share = 0.0
    if not 0 < share <= 1:
        raise InputError(
            f"{name}: the option gpu-memory-utilization is {options['gpu-memory-utilization']!r}, and should be a share above 0 and up to 1."
        )
    return share


def _switch(options: Mapping[str, Any], flag: str, *, default: bool) -> bool:
    if f"no-{flag}" in options:
        return str(options[f"no-{flag}"]).lower() in _NO_WORDS
    return str(options.get(flag, default)).lower() not in _NO_WORDS


def _cache_type(name: str, options: Mapping[str, Any], flag: str) -> str:
    kind = str(options.get(flag, "f16")).lower()
    if kind not in CACHE_BYTES:
        raise InputError(f"{name}: the option {flag} is {kind!r}, which is no type of llama.cpp's. Write f16 or q8_0.")
    return kind


def _split(name: str, options: Mapping[str, Any]) -> tuple[float, ...] | None:
    """What the options say about GPUs, as shares: split-mode none is all on the main one."""
    main = _number(name, options, "main-gpu", 0)
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
