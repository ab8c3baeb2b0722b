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
    # Whether it takes pictures as well.
    sees: bool = False

    @property
    def cache_width(self) -> int:
        """Of all heads."""
        return self.kv_heads * self.head_width


# What models call the longest text that they take; the smallest counts (vLLM's config/model.py, _get_and_verify_max_len).
_LENGTHS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
# Their positions begin behind that of the padding.
_PADDED_POSITIONS = ("camembert", "roberta", "xlm-roberta")


def read(
    config: Mapping[str, Any], weight_bytes: int, name: str, sentence_config: Mapping[str, Any] | None = None
) -> HubFacts:
    """`sentence_config`: what sentence_bert_config.json says, in a repository for embeddings."""
    # Models that also see keep what concerns texts in a part of its own.
    text = {**config, **_of_texts(config)}
    layers = _number(text, "num_hidden_layers", "n_layer", "num_layers")
    width = _number(text, "hidden_size", "n_embd", "d_model")
    heads = _number(text, "num_attention_heads", "n_head", "num_heads")
    if not (layers and width and heads):
        raise InputError(
            f"{name}: its config.json names no layers, width and heads (num_hidden_layers, hidden_size, num_attention_heads). "
            "Name a repository of a language model."
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
        trained_context=_trained(text, sentence_config or {}),
        sees=bool(config.get("vision_config")),
    )


def _of_texts(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What concerns texts, where that is a part of its own: with names of its own in InternVL, DeepSeek-VL and Qwen-Omni."""
    thinker = config.get("thinker_config")
    parts = [config.get(name) for name in ("text_config", "llm_config", "language_config")]
    parts.append(thinker.get("text_config") if isinstance(thinker, dict) else None)
    return next((part for part in parts if isinstance(part, dict) and part), {})


def _trained(text: Mapping[str, Any], sentence_config: Mapping[str, Any]) -> int:
    sentences = _number(sentence_config, "max_seq_length")
    if sentences:
        return sentences
    lengths = [length for length in (_number(text, name) for name in _LENGTHS) if length > 0]
    trained = min(lengths, default=0)
    if trained and text.get("model_type") in _PADDED_POSITIONS:
        trained -= _number(text, "pad_token_id") + 1
    rope = text.get("rope_scaling") or text.get("rope_parameters") or {}
    kind = rope.get("rope_type") or rope.get("type") if isinstance(rope, dict) else None
    if not kind or kind in ("default", "su", "longrope", "llama3"):
        return trained
    if kind == "yarn":
        trained = _number(rope, "original_max_position_embeddings") or trained
    factor = rope.get("factor", 1.0)
    return int(trained * factor) if isinstance(factor, (int, float)) else trained


def _number(config: Mapping[str, Any], *names: str) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), (int, float))), 0)
