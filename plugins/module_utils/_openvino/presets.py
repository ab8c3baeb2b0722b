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


def method(described: Mapping[str, Any], model_type: str) -> dict[str, Any]:
    """How the weights of a model are kept: as described, and what that leaves open as the preset says. Only four bits have groups and a share."""
    weights = str(described.get("weights") or WEIGHTS[0])
    if weights != "int4":
        return {"weights": weights}
    known = preset(model_type)
    said = {key: described[key] for key in ("group_size", "ratio", "symmetric") if described.get(key) is not None}
    return {
        "weights": weights,
        "group_size": known.group_size,
        "ratio": known.ratio,
        "symmetric": known.symmetric,
        **said,
    }


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
