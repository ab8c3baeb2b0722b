# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same F16 weights as a GGUF file for llama.cpp and as a folder for transformers and vLLM."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ansible_collections.hearth.llm.tools.hearth_mini.network import Shape
from ansible_collections.hearth.llm.tools.hearth_mini.tokenizer import (
    CHAT_TEMPLATE,
    END,
    END_ID,
    PAD,
    PAD_ID,
    PRE_TOKENIZER,
    SPECIAL,
    START_ID,
)
from ansible_collections.hearth.llm.tools.hearth_mini.training import STAGES
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Scalar, Tensor, ValueType, gguf_bytes
from safetensors.torch import save_file
from tokenizers import Tokenizer

# The numbers of llama.cpp: kinds of tokens, tensor types, general.file_type, the way embeddings are pooled.
_NORMAL, _CONTROL = 1, 3
_GGML_F32, _GGML_F16 = 0, 1
_MOSTLY_F16 = 1
POOLING_MEAN = 1


@dataclass(frozen=True)
class Card:
    """What the files say about the model."""

    name: str
    description: str
    pooling: int | None = None


# How much of the weights is the last stage's; the rest is that of the stage before.
LAST_STAGE = 0.7

DESCRIPTION = (
    "A demonstration and test model, trained on sentences from a grammar: it greets, counts, repeats a phrase and "
    "answers from a text in the prompt. It knows nothing of the world."
)


def export_chat(trained: Path, models: Path, name: str) -> None:
    shape, weights = shape_and_weights(trained)
    tokenizer = Tokenizer.from_file(str(trained / "tokenizer.json"))
    write_gguf(models / f"{name}.gguf", Card(name, DESCRIPTION), shape, weights, tokenizer)
    write_folder(models / name, shape, weights, tokenizer)


def shape_and_weights(trained: Path) -> tuple[Shape, dict[str, torch.Tensor]]:
    """The mean of what the last two stages have learned: steadier in long texts than either (model soups, arXiv 2203.05482)."""
    before, last = (
        torch.load(trained / f"stage-{number}.pt", weights_only=True) for number in (len(STAGES) - 1, len(STAGES))
    )
    mixed = {name: torch.lerp(before["weights"][name], weight, LAST_STAGE) for name, weight in last["weights"].items()}
    return Shape(**last["shape"]), mixed


EMBEDDING_DESCRIPTION = (
    "A demonstration and test model of embeddings (the mean of its states), trained on questions and documents from a "
    "grammar: it finds the document whose words a question uses."
)


def export_embedding(trained: Path, models: Path, name: str) -> None:
    saved = torch.load(trained / "embedding.pt", weights_only=True)
    tokenizer = Tokenizer.from_file(str(trained / "tokenizer.json"))
    card = Card(name, EMBEDDING_DESCRIPTION, POOLING_MEAN)
    write_gguf(models / f"{name}.gguf", card, Shape(**saved["shape"]), saved["weights"], tokenizer)


def write_gguf(path: Path, card: Card, shape: Shape, weights: dict[str, torch.Tensor], tokenizer: Tokenizer) -> None:
    path.write_bytes(gguf_bytes(_metadata(card, shape, weights, tokenizer), _tensors(shape, weights)))


def write_folder(directory: Path, shape: Shape, weights: dict[str, torch.Tensor], tokenizer: Tokenizer) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    half = {f"model.{name}": weight.to(torch.float16).contiguous() for name, weight in weights.items()}
    save_file(half, str(directory / "model.safetensors"), metadata={"format": "pt"})
    # safetensors lets nobody but the owner read.
    (directory / "model.safetensors").chmod(0o644)
    tokenizer.save(str(directory / "tokenizer.json"))
    _write_json(directory / "config.json", _configuration(shape))
    _write_json(
        directory / "generation_config.json",
        {"do_sample": False, "eos_token_id": END_ID, "pad_token_id": PAD_ID, "max_new_tokens": 256},
    )
    _write_json(
        directory / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.context,
            "bos_token": None,
            "eos_token": END,
            "pad_token": PAD,
            "unk_token": None,
            "additional_special_tokens": list(SPECIAL),
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        },
    )


def _configuration(shape: Shape) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.head_width,
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.rope_base,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": END_ID,
        "pad_token_id": PAD_ID,
        "torch_dtype": "float16",
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def _metadata(card: Card, shape: Shape, weights: dict[str, torch.Tensor], tokenizer: Tokenizer) -> list[Entry]:
    described = json.loads(tokenizer.to_str())["model"]
    by_number = {number: token for token, number in tokenizer.get_vocab(with_added_tokens=True).items()}
    texts: list[Scalar] = [by_number[number] for number in range(shape.vocabulary)]
    kinds: list[Scalar] = [_CONTROL if text in SPECIAL else _NORMAL for text in texts]
    merges: list[Scalar] = [" ".join(pair) for pair in described["merges"]]
    pooling = [] if card.pooling is None else [Entry("llama.pooling_type", ValueType.UINT32, card.pooling)]
    return [
        Entry("general.architecture", ValueType.STRING, "llama"),
        Entry("general.type", ValueType.STRING, "model"),
        Entry("general.name", ValueType.STRING, card.name),
        Entry("general.basename", ValueType.STRING, card.name),
        Entry("general.size_label", ValueType.STRING, f"{sum(map(torch.numel, weights.values())) / 1e6:.1f}M"),
        Entry("general.description", ValueType.STRING, card.description),
        Entry("general.organization", ValueType.STRING, "hearth.llm"),
        Entry("general.license", ValueType.STRING, "gpl-3.0-or-later"),
        Entry("general.languages", ValueType.STRING, ["en"]),
        Entry("general.file_type", ValueType.UINT32, _MOSTLY_F16),
        # What a request gets that names no temperature: an exact answer.
        Entry("general.sampling.temp", ValueType.FLOAT32, 0.0),
        Entry("general.quantization_version", ValueType.UINT32, 2),
        Entry("llama.block_count", ValueType.UINT32, shape.layers),
        Entry("llama.context_length", ValueType.UINT32, shape.context),
        Entry("llama.embedding_length", ValueType.UINT32, shape.width),
        Entry("llama.feed_forward_length", ValueType.UINT32, shape.feed_forward),
        Entry("llama.attention.head_count", ValueType.UINT32, shape.heads),
        Entry("llama.attention.head_count_kv", ValueType.UINT32, shape.heads),
        Entry("llama.attention.key_length", ValueType.UINT32, shape.head_width),
        Entry("llama.attention.value_length", ValueType.UINT32, shape.head_width),
        Entry("llama.attention.layer_norm_rms_epsilon", ValueType.FLOAT32, shape.epsilon),
        Entry("llama.rope.dimension_count", ValueType.UINT32, shape.head_width),
        Entry("llama.rope.freq_base", ValueType.FLOAT32, shape.rope_base),
        Entry("llama.vocab_size", ValueType.UINT32, shape.vocabulary),
        *pooling,
        Entry("tokenizer.ggml.model", ValueType.STRING, "gpt2"),
        Entry("tokenizer.ggml.pre", ValueType.STRING, PRE_TOKENIZER),
        Entry("tokenizer.ggml.tokens", ValueType.STRING, texts),
        Entry("tokenizer.ggml.token_type", ValueType.INT32, kinds),
        Entry("tokenizer.ggml.merges", ValueType.STRING, merges),
        Entry("tokenizer.ggml.bos_token_id", ValueType.UINT32, START_ID),
        Entry("tokenizer.ggml.eos_token_id", ValueType.UINT32, END_ID),
        Entry("tokenizer.ggml.padding_token_id", ValueType.UINT32, PAD_ID),
        Entry("tokenizer.ggml.add_bos_token", ValueType.BOOL, False),
        Entry("tokenizer.ggml.add_eos_token", ValueType.BOOL, False),
        Entry("tokenizer.ggml.add_space_prefix", ValueType.BOOL, False),
        Entry("tokenizer.chat_template", ValueType.STRING, CHAT_TEMPLATE),
    ]


_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def _tensors(shape: Shape, weights: dict[str, torch.Tensor]) -> list[Tensor]:
    made = [_tensor("token_embd.weight", weights["embed_tokens.weight"])]
    for layer in range(shape.layers):
        for theirs, name in _NAMES.items():
            weight = weights[f"layers.{layer}.{theirs}.weight"]
            if name in ("attn_q", "attn_k"):
                weight = interleaved(weight, shape)
            made.append(_tensor(f"blk.{layer}.{name}.weight", weight))
    return [*made, _tensor("output_norm.weight", weights["norm.weight"])]


def interleaved(weight: torch.Tensor, shape: Shape) -> torch.Tensor:
    """llama.cpp rotates neighbours where transformers rotates halves: the rows of each head change places."""
    halves = weight.reshape(shape.heads, 2, shape.head_width // 2, shape.width)
    return halves.transpose(1, 2).reshape(weight.shape)


def _tensor(name: str, weight: torch.Tensor) -> Tensor:
    if weight.dim() == 1:
        # llama.cpp wants its norms in F32; rounded as in the folder, so that both hold the same numbers.
        values = weight.to(torch.float16).tolist()
        return Tensor(name, (len(values),), _GGML_F32, struct.pack(f"<{len(values)}f", *values))
    rows, columns = weight.shape
    return Tensor(name, (columns, rows), _GGML_F16, weight.to(torch.float16).contiguous().numpy().tobytes())
