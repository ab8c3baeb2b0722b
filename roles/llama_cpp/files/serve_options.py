# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""llama-server's long flags, told to the CommonParams of xllamacpp: each checked for its name, type and words."""

from __future__ import annotations

import difflib
import enum
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xllamacpp

# A flag's place in CommonParams. Its type is that of the value that stands there. Flags that only talk to a terminal,
# download models, or open the host to the model (tools, MCP servers) are left out on purpose, and so is TLS, which the
# wheel's build does not have.
PLACES = {
    "alias": "model_alias",
    "api-prefix": "api_prefix",
    "batch-size": "n_batch",
    "cache-idle-slots": "cache_idle_slots",
    "cache-prompt": "cache_prompt",
    "cache-ram": "cache_ram_mib",
    "cache-reuse": "n_cache_reuse",
    "cache-type-k": "cache_type_k",
    "cache-type-v": "cache_type_v",
    "chat-template": "chat_template",
    "check-tensors": "check_tensors",
    "cont-batching": "cont_batching",
    "context-shift": "ctx_shift",
    "cors-credentials": "cors_credentials",
    "cors-headers": "cors_headers",
    "cors-methods": "cors_methods",
    "cors-origins": "cors_origins",
    "ctx-checkpoints": "n_ctx_checkpoints",
    "ctx-size": "n_ctx",
    "embeddings": "embedding",
    "fit": "fit_params",
    "fit-ctx": "fit_params_min_ctx",
    "flash-attn": "flash_attn_type",
    "frequency-penalty": "sampling.penalty_freq",
    "host": "hostnames",
    "image-max-tokens": "image_max_tokens",
    "image-min-tokens": "image_min_tokens",
    "jinja": "use_jinja",
    "keep": "n_keep",
    "kv-unified": "kv_unified",
    "kv-unified-per-slot": "kv_unified_per_slot",
    "lazy-mode": "lazy_mode",
    "load-mode": "load_mode",
    "log-jsonl": "log_json",
    "log-verbosity": "verbosity",
    "main-gpu": "main_gpu",
    "metrics": "endpoint_metrics",
    "min-p": "sampling.min_p",
    "mmproj": "mmproj.path",
    "model": "model.path",
    "moe-cache-mib": "moe_cache_size",
    "n-predict": "n_predict",
    "numa": "numa",
    "override-tensor": "tensor_buft_overrides",
    "parallel": "n_parallel",
    "pooling": "pooling_type",
    "port": "port",
    "prefill-assistant": "prefill_assistant",
    "presence-penalty": "sampling.penalty_present",
    "props": "endpoint_props",
    "reasoning-budget": "sampling.reasoning_budget_tokens",
    "reasoning-format": "reasoning_format",
    "repeat-last-n": "sampling.penalty_last_n",
    "repeat-penalty": "sampling.penalty_repeat",
    "rope-freq-base": "rope_freq_base",
    "rope-freq-scale": "rope_freq_scale",
    "rope-scaling": "rope_scaling_type",
    "sleep-idle-seconds": "sleep_idle_seconds",
    "slot-prompt-similarity": "slot_prompt_similarity",
    "slot-save-path": "slot_save_path",
    "slots": "endpoint_slots",
    "special": "special",
    "split-mode": "split_mode",
    "sse-ping-interval": "sse_ping_interval",
    "swa-full": "swa_full",
    "temp": "sampling.temp",
    "threads": "cpuparams.n_threads",
    "threads-batch": "cpuparams_batch.n_threads",
    "threads-http": "n_threads_http",
    "top-k": "sampling.top_k",
    "top-p": "sampling.top_p",
    "ubatch-size": "n_ubatch",
    "ui": "ui",
    "ui-config": "ui_config_json",
    "warmup": "warmup",
    "yarn-attn-factor": "yarn_attn_factor",
    "yarn-beta-fast": "yarn_beta_fast",
    "yarn-beta-slow": "yarn_beta_slow",
    "yarn-ext-factor": "yarn_ext_factor",
    "yarn-orig-ctx": "yarn_orig_ctx",
}

SYNONYMS = {
    "embedding": "embeddings",
    "n-gpu-layers": "gpu-layers",
    "predict": "n-predict",
    "reranking": "rerank",
    "temperature": "temp",
    "webui": "ui",
    "webui-config": "ui-config",
}

CACHE_TYPES = {name: name.upper() for name in ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"]}

# Flags whose value is a word: what all members of the enumeration begin with, and which member each word means.
CHOICES = {
    "cache-type-k": ("GGML_TYPE_", CACHE_TYPES),
    "cache-type-v": ("GGML_TYPE_", CACHE_TYPES),
    "flash-attn": ("LLAMA_FLASH_ATTN_TYPE_", {"on": "ENABLED", "off": "DISABLED", "auto": "AUTO"}),
    "lazy-mode": ("LLAMA_LAZY_MODE_", {"on": "ON", "off": "OFF", "auto": "AUTO"}),
    "load-mode": (
        "LLAMA_LOAD_MODE_",
        {
            "auto": "AUTO",
            "none": "NONE",
            "mmap": "MMAP",
            "mlock": "MLOCK",
            "mmap+mlock": "MMAP_MLOCK",
            "dio": "DIRECT_IO",
        },
    ),
    "numa": (
        "GGML_NUMA_STRATEGY_",
        {"distribute": "DISTRIBUTE", "isolate": "ISOLATE", "numactl": "NUMACTL"},
    ),
    "pooling": (
        "LLAMA_POOLING_TYPE_",
        {"none": "NONE", "mean": "MEAN", "cls": "CLS", "last": "LAST", "rank": "RANK"},
    ),
    "reasoning-format": (
        "COMMON_REASONING_FORMAT_",
        {"none": "NONE", "auto": "AUTO", "deepseek": "DEEPSEEK", "deepseek-legacy": "DEEPSEEK_LEGACY"},
    ),
    "rope-scaling": ("LLAMA_ROPE_SCALING_TYPE_", {"none": "NONE", "linear": "LINEAR", "yarn": "YARN"}),
    "split-mode": ("LLAMA_SPLIT_MODE_", {"none": "NONE", "layer": "LAYER", "row": "ROW", "tensor": "TENSOR"}),
}


class ConfigurationError(Exception):
    """One sentence about what is wrong in the configuration."""


def apply_option(parameters: Any, flag: str, value: object) -> None:
    """Sets what llama-server would set for the flag, or says why it cannot."""
    name = SYNONYMS.get(flag, flag)
    if name in SPECIAL:
        SPECIAL[name](parameters, value)
        return
    if name not in PLACES and name.startswith("no-") and name[3:] in PLACES.keys() | SPECIAL.keys() | SYNONYMS.keys():
        apply_option(parameters, name[3:], not boolean(flag, value))
        return
    if name not in PLACES:
        close = difflib.get_close_matches(flag, [*PLACES, *SPECIAL, *SYNONYMS], n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise ConfigurationError(f"'{flag}' is not an option of this server{hint}")
    place(parameters, name, value)


def place(parameters: Any, name: str, value: object) -> None:
    *path, attribute = PLACES[name].split(".")
    try:
        target = parameters
        for step in path:
            target = getattr(target, step)
        current = getattr(target, attribute)
    except AttributeError:
        raise ConfigurationError(f"'{name}' is unknown to this build, xllamacpp {xllamacpp.__version__}") from None
    try:
        setattr(target, attribute, converted(name, value, current))
    except (OverflowError, TypeError, ValueError) as error:
        raise ConfigurationError(f"'{name}' cannot be {value!r}: {error}") from error


def converted(name: str, value: object, current: object) -> object:
    """The value in the type of the one that it replaces."""
    if isinstance(current, bool):
        return boolean(name, value)
    if isinstance(current, enum.Enum):
        return member(name, value, type(current))
    if isinstance(current, int):
        return number(name, value, int)
    if isinstance(current, float):
        return number(name, value, float)
    if isinstance(current, (list, set)):
        return type(current)(texts(name, value))
    if not isinstance(value, str):
        raise ConfigurationError(f"'{name}' must be a text, not {value!r}")
    return value


def boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
    if str(value).lower() not in words:
        raise ConfigurationError(f"'{name}' must be true or false, not {value!r}")
    return words[str(value).lower()]


def number(name: str, value: object, kind: type[int] | type[float]) -> int | float:
    wanted = "a whole number" if kind is int else "a number"
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or kind(value) != float(value):
            raise ValueError
        return kind(value)
    except ValueError:
        raise ConfigurationError(f"'{name}' must be {wanted}, not {value!r}") from None


def member(name: str, value: object, kind: type[enum.Enum]) -> enum.Enum:
    prefix, words = CHOICES[name]
    # YAML reads on and off as true and false.
    word = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    if word not in words:
        raise ConfigurationError(f"'{name}' must be one of {', '.join(words)}, not {value!r}")
    return kind[prefix + words[word]]


def texts(name: str, value: object) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ConfigurationError(f"'{name}' must be a text or a list of texts, not {value!r}")
    return [item.strip() for item in items if item.strip()]


def file_text(name: str, value: object) -> str:
    try:
        return Path(str(value)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"'{name}': {value} cannot be read: {error}") from error


def add_api_keys(parameters: Any, value: object) -> None:
    parameters.api_keys = [*parameters.api_keys, *texts("api-key", value)]


def read_api_keys(parameters: Any, value: object) -> None:
    lines = [line.strip() for line in file_text("api-key-file", value).splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        # Without a key the server would answer everyone.
        raise ConfigurationError(f"'api-key-file': {value} holds no key")
    parameters.api_keys = [*parameters.api_keys, *keys]


def read_chat_template(parameters: Any, value: object) -> None:
    parameters.chat_template = file_text("chat-template-file", value)


def set_template_arguments(parameters: Any, value: object) -> None:
    try:
        arguments = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ConfigurationError(f"'chat-template-kwargs' is not JSON: {error}") from error
    if not isinstance(arguments, Mapping):
        raise ConfigurationError(f"'chat-template-kwargs' must be an object, not {value!r}")
    parameters.default_template_kwargs = {str(key): json.dumps(item) for key, item in arguments.items()}


def set_timeouts(parameters: Any, value: object) -> None:
    parameters.timeout_read = parameters.timeout_write = number("timeout", value, int)


def set_reasoning(parameters: Any, value: object) -> None:
    words: dict[object, int] = {"auto": -1, "on": 1, "off": 0, True: 1, False: 0}
    if not isinstance(value, (str, bool)) or value not in words:
        raise ConfigurationError(f"'reasoning' must be on, off or auto, not {value!r}")
    parameters.enable_reasoning = words[value]


def set_rerank(parameters: Any, value: object) -> None:
    if boolean("rerank", value):
        parameters.embedding = True
        place(parameters, "pooling", "rank")


def set_tensor_split(parameters: Any, value: object) -> None:
    parts = value.split(",") if isinstance(value, str) else value
    room = len(parameters.tensor_split)
    if not isinstance(parts, list) or len(parts) > room:
        raise ConfigurationError(f"'tensor-split' must be at most {room} numbers, not {value!r}")
    shares = [float(number("tensor-split", part, float)) for part in parts]
    parameters.tensor_split = shares + [0.0] * (room - len(shares))


def set_kv_offload(parameters: Any, value: object) -> None:
    parameters.no_kv_offload = not boolean("kv-offload", value)


def set_gpu_layers(parameters: Any, value: object) -> None:
    words: dict[object, int] = {"auto": -1, "all": -2}
    parameters.n_gpu_layers = words[value] if value in ("auto", "all") else number("gpu-layers", value, int)


# Flags that set more than one place, or a place of another form.
SPECIAL: dict[str, Callable[[Any, object], None]] = {
    "api-key": add_api_keys,
    "api-key-file": read_api_keys,
    "chat-template-file": read_chat_template,
    "chat-template-kwargs": set_template_arguments,
    "gpu-layers": set_gpu_layers,
    "kv-offload": set_kv_offload,
    "reasoning": set_reasoning,
    "rerank": set_rerank,
    "tensor-split": set_tensor_split,
    "timeout": set_timeouts,
}
