# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in hearth_models."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.models import CONTEXT_TOKENS, ranks
from ansible_collections.hearth.llm.plugins.module_utils._description.names import nearly_alike
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse

# What the gateway calls its own parts; statistics could not tell them from a model.
_RESERVED = ("gateway", "metrics", "redirect", "waiting")

# What the role tells an engine itself, by the keys of the description: option, and its other names → what to write.
_LLAMA_CPP_OWN = {
    "context_tokens and slots": ("ctx-size", "c", "n-ctx", "parallel", "np", "n-parallel"),
    "max_output_tokens": ("n-predict", "predict", "n"),
    "idle_unload_seconds": ("sleep-idle-seconds",),
    "the model's name in hearth_models": ("alias", "a"),
    "source or path": (
        "model",
        "m",
        "model-url",
        "mu",
        "hf-repo",
        "hf",
        "hfr",
        "hf-file",
        "hff",
        "models-dir",
        "models-preset",
    ),
    "hearth_address and hearth_port for the gateway, llama_cpp_address and llama_cpp_port for the engine": (
        "host",
        "port",
    ),
    "llama_cpp_api_key": ("api-key", "api-key-file"),
    "llama_cpp_loaded_models_max": ("models-max",),
}
_VLLM_OWN = {
    "context_tokens": ("max-model-len",),
    "slots": ("max-num-seqs",),
    "the model's name in hearth_models": ("served-model-name",),
    "source or path": ("model", "download-dir"),
    "hearth_address and hearth_port for the gateway, vllm_address and vllm_first_port for the engine": (
        "host",
        "port",
        "uds",
    ),
    "vllm_api_key": ("api-key",),
}
_OWN = {
    engine: {option: key for key, options in table.items() for option in options}
    for engine, table in (("llama_cpp", _LLAMA_CPP_OWN), ("vllm", _VLLM_OWN))
}


def own_option(engine: str, option: Any) -> str:
    """What an option follows from that the role tells an engine itself; empty for others."""
    return _OWN.get(engine, {}).get(canonical(option), "")


def of_models(described: Typed) -> Iterator[str]:
    process = described.get("hearth_runtime") == "process"
    models = described.get("hearth_models", {})
    for _lower, names in nearly_alike(models):
        yield f"hearth_models: {' and '.join(names)} differ by capital letters only, and whoever asks for one gets the other: rename one."
    for name, model in models.items():
        path = f"hearth_models.{name}"
        engine = model.get("engine", "llama_cpp" if model.lacks("engine") else "")
        if name in _RESERVED:
            yield f"hearth_models: the name {name} is one of the gateway's own: use another."
        if model.lacks("source") and model.lacks("path") and not model.broken:
            yield f"{path} has no source: write hf://owner/repository/file, https://… or file:///…, or the path of a model that lies on the host."
        if "source" in model and "files" in model:
            yield from _files(path, model["source"], model["files"])
        if "source" in model and "path" in model:
            yield f"{path} has both source and path: keep one."
        yield from _options(path, engine, model.get("options", {}))
        yield from _lengths(path, model)
        task = model.get("task", "chat")
        if engine == "llama_cpp" and task != "rerank" and ranks(model.get("options", {})):
            yield f"{path}.options make it rank documents, and its task is {task}: write task: rerank, and take these options away."
        if engine == "vllm":
            if process:
                yield f"{path}.engine is 'vllm', and hearth_runtime is process: vLLM is run in containers only, so write hearth_runtime: docker, or engine: llama_cpp."
            if model.get("load") == "on_demand":
                yield f"{path}.load is 'on_demand', and vLLM has its models loaded from the start: write startup, or take it away."
            if "idle_unload_seconds" in model:
                yield f"{path}.idle_unload_seconds is {model['idle_unload_seconds']}, and vLLM never unloads a model: take it away."
            if str(model.get("source", model.get("path", ""))).lower().endswith(".gguf"):
                yield f"{path}.source is a GGUF file, and vLLM serves whole repositories: name one (hf://owner/repository), or write engine: llama_cpp."
        if engine == "llama_cpp" and process and model.get("load") == "on_demand":
            yield f"{path}.load is 'on_demand', and with hearth_runtime: process every model is loaded from the start: write startup, or take it away."
        if process and model.get("gpus"):
            yield f"{path}.gpus is [{listed(model['gpus'])}], and with hearth_runtime: process models are computed by the CPU: take it away, or write hearth_runtime: docker."


def _files(path: str, source: str, files: Sequence[str]) -> Iterator[str]:
    try:
        parse(source, files, endpoint=None)
    except InputError as problem:
        yield f"{path}.files: {problem.message}"


def _lengths(path: str, model: Typed) -> Iterator[str]:
    output = model.get("max_output_tokens")
    assumed = CONTEXT_TOKENS if model.lacks("context_tokens") else None
    context = model.get("context_tokens", assumed)
    if output is not None and context is not None and output >= context:
        where = "" if "context_tokens" in model else ", what a model has that names none,"
        yield f"{path}.max_output_tokens is {output}, and context_tokens, which holds question and answer, is {context}{where}: write less than {context}, or a longer context_tokens."


def _options(path: str, engine: str, options: Mapping[str, Any]) -> Iterator[str]:
    spellings: dict[str, str] = {}
    for option in options:
        first = spellings.setdefault(canonical(option), str(option))
        if first != str(option):
            yield f"{path}.options has {first} and {option}, which are one option: keep one."
        key = own_option(engine, option)
        if key:
            yield f"{path}.options.{option} is not for options, because it follows from {key}: take it away, and write that."
