# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a repository of safetensors needs memory: from its config.json and the sizes of its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Mapping


@dataclass(frozen=True)
class HubFacts:
    architecture: str
    quantization: str
    weight_bytes: int
    layers: int
    width: int
    feed_forward: int
    vocabulary: int
    kv_heads: int
    # Numbers that the cache holds of each token in one layer, for one head of keys and values.
    head_width: int
    trained_context: int

    @property
    def cache_width(self) -> int:
        """Of all heads."""
        return self.kv_heads * self.head_width


def read(config: Mapping[str, Any], weight_bytes: int, name: str) -> HubFacts:
    # Models that also see keep what concerns texts in a part of its own.
    text = {**config, **(config.get("text_config") or {})}
    layers = _number(text, "num_hidden_layers", "n_layer", "num_layers")
    width = _number(text, "hidden_size", "n_embd", "d_model")
    heads = _number(text, "num_attention_heads", "n_head", "num_heads")
    if not (layers and width and heads):
        raise InputError(
            f"{name}: its config.json names no layers, width and heads (num_hidden_layers, hidden_size, num_attention_heads). Name a repository of a language model."
        )
    latent = _number(text, "kv_lora_rank")
    kv_heads = 1 if latent else _number(text, "num_key_value_heads", "n_head_kv") or heads
    head = _number(text, "head_dim") or width // heads
    quantization = (
        (config.get("quantization_config") or {}).get("quant_method") or text.get("torch_dtype") or text.get("dtype")
    )
    return HubFacts(
        architecture=str((config.get("architectures") or [config.get("model_type", "")])[0]),
        quantization=str(quantization or ""),
        weight_bytes=weight_bytes,
        layers=layers,
        width=width,
        feed_forward=_number(text, "intermediate_size", "n_inner", "ffn_dim") or 4 * width,
        vocabulary=_number(text, "vocab_size"),
        kv_heads=kv_heads,
        head_width=latent + _number(text, "qk_rope_head_dim") if latent else 2 * head,
        trained_context=_number(text, "max_position_embeddings", "n_positions"),
    )


def _number(config: Mapping[str, Any], *names: str) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), (int, float))), 0)
