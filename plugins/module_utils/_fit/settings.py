# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model is to be served, as far as that decides about memory: from its description and the engine's own options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.tables import TENSOR_TYPES

if TYPE_CHECKING:
    from typing import Mapping

# Short forms of llama-server's flags that decide about memory.
_LONG = {
    "b": "batch-size",
    "c": "ctx-size",
    "dev": "device",
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
    prompt_cache_bytes: int = 0
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
    options = _options(model, defaults)
    name = str(model["name"])
    slots = max(1, _number(name, options, "parallel", int(model.get("slots") or 1)))
    described = int(model.get("context_tokens") or 4096)
    total = _number(name, options, "ctx-size", described * slots) or trained_context
    embedding = model.get("task") == "embedding"
    batch = _number(name, options, "ubatch-size", described if embedding else 512)
    unified = _switch(options, "kv-unified", default=False)
    context = total if unified else -(-total // slots)
    layers = options.get("n-gpu-layers", "auto")
    split = _split(name, options)
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
        embedding=embedding,
        host_experts=_ALL_LAYERS
        if _switch(options, "cpu-moe", default=False)
        else _number(name, options, "n-cpu-moe", 0),
        gpu_layers=None
        if layers in ("auto", -1, "-1")
        else _ALL_LAYERS
        if layers in ("all", -2, "-2")
        else _number(name, options, "n-gpu-layers", 0),
        split=split,
        named=tuple(flag for flag in (LAYERS, *SPLITS) if flag in options),
        prompt_cache_bytes=max(0, _number(name, options, "cache-ram", prompt_cache_bytes >> 20)) << 20,
    )


def vllm(model: Mapping[str, Any], defaults: Mapping[str, Any], trained_context: int) -> Vllm:
    """As the role vllm tells them to the engine, which finds a context itself where it is told auto: at most what the model was trained for."""
    options = _options(model, defaults)
    name = str(model["name"])
    if str(options.get("max-model-len")) in ("auto", "-1"):
        options["max-model-len"] = trained_context
    context = _number(name, options, "max-model-len", int(model.get("context_tokens") or 4096))
    cache = str(options.get("kv-cache-dtype", "auto")).lower()
    return Vllm(
        context=context,
        slots=_number(name, options, "max-num-seqs", int(model.get("slots") or 1)),
        batch=_number(name, options, "max-num-batched-tokens", Vllm.batch),
        utilization=_share(name, options),
        gpus=_number(name, options, "tensor-parallel-size", 1) * _number(name, options, "pipeline-parallel-size", 1),
        cache_bytes=1 if cache.startswith("fp8") else 4 if cache in ("float32", "fp32") else 2,
        eager=_switch(options, "enforce-eager", default=False),
    )


def mmproj(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The file that makes embeddings of pictures, where there is one."""
    return str(_options(model, defaults).get("mmproj") or "")


def _options(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for given in (defaults, model.get("options") or {}):
        for flag, value in given.items():
            flat = str(flag).lstrip("-").replace("_", "-")
            options[_LONG.get(flat, flat)] = value
    return options


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
