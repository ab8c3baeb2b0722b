# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in which a model is served, that llama.cpp was asked about: llama-server's options, and on how many GPUs."""

from __future__ import annotations

from dataclasses import dataclass, field

from fakes.architectures.zoo import Model

ALL = "999"


@dataclass(frozen=True)
class Way:
    options: dict[str, str] = field(default_factory=dict)
    gpus: int = 1


WAYS = {
    "two slots": Way({"n-gpu-layers": ALL, "ctx-size": "8192", "parallel": "2"}),
    "long context": Way({"n-gpu-layers": ALL, "ctx-size": "32768", "parallel": "1"}),
    "large batch, q8_0 cache": Way(
        {
            "n-gpu-layers": ALL,
            "ctx-size": "16384",
            "parallel": "4",
            "ubatch-size": "1024",
            "cache-type-k": "q8_0",
            "cache-type-v": "q8_0",
        }
    ),
    "part of the layers": Way({"n-gpu-layers": "10", "ctx-size": "8192", "parallel": "1"}),
    "two GPUs": Way({"n-gpu-layers": ALL, "ctx-size": "8192", "parallel": "1", "tensor-split": "1,1"}, gpus=2),
    "two unequal GPUs": Way({"n-gpu-layers": ALL, "ctx-size": "8192", "parallel": "1", "tensor-split": "3,1"}, gpus=2),
    "no flash attention": Way({"n-gpu-layers": ALL, "ctx-size": "8192", "parallel": "1", "flash-attn": "off"}),
    "eight slots": Way({"n-gpu-layers": ALL, "ctx-size": "65536", "parallel": "8"}),
    "shared cache": Way({"n-gpu-layers": ALL, "ctx-size": "16384", "parallel": "4", "kv-unified": "true"}),
    "no GPU": Way({"ctx-size": "8192", "parallel": "1"}, gpus=0),
}


def options(way: Way, model: Model) -> dict[str, str]:
    """A model for embedding takes a text in one batch."""
    return {**way.options, **({"ubatch-size": "4096"} if model.traits.get("encoder") else {})}
