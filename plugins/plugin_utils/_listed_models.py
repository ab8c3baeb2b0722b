# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `GET /v1/models` says of a model besides its name, so that clients need not guess how long its context is and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OUTPUT = {"chat": "text", "embedding": "embeddings", "rerank": "scores"}


def listed(model: Mapping[str, Any]) -> dict[str, Any]:
    """Of one model that `known_models` has put together. What is not known is left out."""
    context = model.get("context_length")
    meta = {
        name: model[key]
        for name, key in (("n_ctx_train", "trained_context_tokens"), ("n_params", "parameters"))
        if model.get(key)
    }
    return {
        "created": model.get("created", 0),
        # Other names that it may be asked for by.
        **({"aliases": list(model["aliases"])} if model.get("aliases") else {}),
        # The same by the names that clients of OpenRouter and of vLLM look for.
        **({"context_length": context, "max_model_len": context} if context else {}),
        # As llama.cpp says it.
        **({"meta": meta} if meta else {}),
        "modalities": {
            "input": ["text", *(["image"] if model.get("sees") else [])],
            "output": [_OUTPUT[model.get("task", "chat")]],
        },
        "endpoints": list(model.get("paths", [])),
    }
