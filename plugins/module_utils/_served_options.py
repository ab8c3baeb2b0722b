# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the description of a served model means in its engine's own words: the one translation, which the plan and the engines' roles share.

Whoever plans with other words than those that the engine is told plans something else. PRIVATE to the collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import spelled_alike

if TYPE_CHECKING:
    from typing import Mapping

# Of each slot, where the description names none.
DEFAULT_CONTEXT = 4096
# Tasks of models that take a text in one batch, and llama.cpp's option that gives them their task.
ONE_BATCH = {"embedding": "embeddings", "rerank": "rerank"}


def context_tokens(model: Mapping[str, Any], trained: int = 0) -> int:
    """The context of each slot: as described, else the usual one, or what the model was trained for (0: not known) where that is shorter."""
    described = model.get("context_tokens")
    return int(described) if described else min(DEFAULT_CONTEXT, trained or DEFAULT_CONTEXT)


def slots(model: Mapping[str, Any]) -> int:
    return int(model.get("slots") or 1)


def llama_cpp(
    model: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    context: int,
    prompt_cache_mib: int,
    planned: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Long flags of llama-server, but for the place of the file."""
    options: dict[str, Any] = {
        "ctx-size": context * slots(model),
        "parallel": slots(model),
        "cache-ram": int(prompt_cache_mib),
        "jinja": True,
        "metrics": True,
        "slots": False,
        "webui": False,
    }
    if model.get("task") in ONE_BATCH:
        options.update({ONE_BATCH[model["task"]]: True, "batch-size": context, "ubatch-size": context})
    if "max_output_tokens" in model:
        options["n-predict"] = int(model["max_output_tokens"])
    if "idle_unload_seconds" in model:
        options["sleep-idle-seconds"] = int(model["idle_unload_seconds"])
    for given in (planned or {}, defaults, model.get("options") or {}):
        options.update(spelled_alike(given))
    return options


def vllm(model: Mapping[str, Any], defaults: Mapping[str, Any], *, context: int) -> dict[str, Any]:
    """Options of `vllm serve`."""
    options: dict[str, Any] = {"max-model-len": context, "max-num-seqs": slots(model)}
    if "max_output_tokens" in model:
        options["override-generation-config"] = {"max_new_tokens": int(model["max_output_tokens"])}
    if model.get("task") in ONE_BATCH:
        options["runner"] = "pooling"
    for given in (defaults, model.get("options") or {}):
        options.update(spelled_alike(given))
    return options
