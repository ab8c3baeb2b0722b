# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How weights are compressed where the description does not say it, by the architecture of the model.

The figures are those of OpenVINO's own notebooks for chat (openvinotoolkit/openvino_notebooks, notebooks/llm-chatbot, `compression_configs`), which were
found there by comparing answers. They name models; what config.json names is their architecture (`model_type`), which is what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Mapping

_SMALLEST_GROUP = 16
WEIGHTS = ("int4", "int8", "fp16")
PRECISIONS = ("f32", "bf16", "f16")
CACHE_PRECISIONS = ("u8", "f16", "bf16", "f32")


@dataclass(frozen=True)
class Preset:
    group_size: int
    ratio: float
    symmetric: bool
    # The models for which the notebooks name it.
    models: str


DEFAULT = Preset(128, 0.8, symmetric=False, models="whatever is not named")
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "mistral": Preset(64, 0.6, symmetric=True, models="mistral-7b, zephyr-7b-beta, notus-7b, neural-chat-7b"),
        "minicpm": Preset(64, 0.6, symmetric=True, models="minicpm-2b-dpo"),
        "llama": Preset(128, 0.8, symmetric=True, models="llama-2-chat-7b"),
        "qwen": Preset(128, 0.6, symmetric=True, models="qwen-7b-chat"),
        "qwen2": Preset(128, 0.6, symmetric=True, models="qwen1.5-7b-chat, whose architecture is called so"),
        "chatglm": Preset(128, 0.72, symmetric=True, models="chatglm2-6b, chatglm3-6b"),
        "gpt_neox": Preset(128, 0.5, symmetric=False, models="red-pajama-3b-chat"),
    }
)


def preset(model_type: str) -> Preset:
    return PRESETS.get(model_type, DEFAULT)


def widths(config: Mapping[str, Any]) -> list[int]:
    """How many weights there are side by side in the layers of a model, as its config.json says it. A group is a part of that, without a rest."""
    heads = int(config.get("num_attention_heads") or 0)
    width = int(config.get("hidden_size") or 0)
    head = int(config.get("head_dim") or (width // heads if heads else 0))
    return sorted({width, int(config.get("intermediate_size") or 0), heads * head} - {0})


def method(described: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """How the weights of a model are kept: as described, and what that leaves open as the preset says. Only four bits have groups and a share."""
    weights = str(described.get("weights") or WEIGHTS[0])
    if weights != "int4":
        return {"weights": weights}
    known = preset(str(config.get("model_type", "")))
    said = {key: described[key] for key in ("group_size", "ratio", "symmetric") if described.get(key) is not None}
    group = known.group_size
    # A small model may be narrower than those that the preset was found with.
    while group > _SMALLEST_GROUP and any(width % group for width in widths(config)):
        group //= 2
    return {"weights": weights, "group_size": group, "ratio": known.ratio, "symmetric": known.symmetric, **said}


def misfit(name: str, method: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Why a model cannot be kept so; empty where it can."""
    group = int(method.get("group_size") or 0)
    uneven = [width for width in widths(config) if group and width % group]
    if not uneven:
        return ""
    fitting = [size for size in (256, 128, 64, 32, 16) if not any(width % size for width in widths(config))]
    remedy = f"write {' or '.join(map(str, fitting))}" if fitting else "write weights: int8"
    widest = " and ".join(map(str, uneven))
    return f"{name}: compression.group_size is {group}, and its layers have {widest} weights side by side, which is no multiple of it: {remedy}."


def findings(path: str, described: Mapping[str, Any]) -> list[str]:
    """What of a description of compression makes no sense."""
    weights = str(described.get("weights") or WEIGHTS[0])
    if weights == "int4":
        return []
    return [
        f"{path}.{key} is for weights in four bits, and {path}.weights is {weights}: take {key} away, or write weights: int4."
        for key in ("group_size", "ratio", "symmetric")
        if described.get(key) is not None
    ]
