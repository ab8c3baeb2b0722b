# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reranker written by hand: the more words a document shares with the question, the higher its score.

It is an encoder of two layers (NeoBERT: RMS norms, no causal mask) whose words have one dimension each. In the first layer every word looks
for its own kind, and at the first token of all, which is always there: what it sees of its own kind is 1/2 where it stands alone, 2/3 where
it stands there twice, and so on. In the second layer the first token takes the mean of that over all tokens, and its share is the score.
Words that it does not know count for nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Scalar, Tensor, ValueType, gguf_bytes

CONTEXT_LENGTH = 512
WIDTH = 64
_FEED_FORWARD_LENGTH = 32
_GGML_F32 = 0
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_UNKNOWN_ID, _FIRST_ID, _SEPARATOR_ID = 1, 2, 3
# Dimensions 0 and 1 are turned by the token's place.
_IS_WORD, _IS_FIRST, _IS_OTHER, _SEEN, _FIRST_WORD = 2, 3, 4, 5, 8
# A word's own kind is the exponential of this squared, divided by the root of the width, times louder than any other token.
_LOUDNESS = 8.0
# Without any common word the score is below zero, and with some it is above.
_CERTAINTY, _DOUBT = 5.0, 1.0
# What a question and its documents may say; common words first.
_WORDS = """
what is the capital of france paris bread baked from flour water cat dog red blue house tea hot cold
bear panda animal how many where who day night sun moon rain snow read book open door key port machine cable oven cup
""".split()


def overlap_model(words: Sequence[str] = _WORDS) -> bytes:
    """The GGUF file of a reranker that knows these words."""
    if len(words) > WIDTH - _FIRST_WORD:
        raise ValueError(f"there is room for {WIDTH - _FIRST_WORD} words")
    return gguf_bytes(_metadata(words), _tensors(len(words)))


def _metadata(words: Sequence[str]) -> list[Entry]:
    texts: list[Scalar] = [*_SPECIAL, *(f"\u2581{word}" for word in words)]
    kinds: list[Scalar] = [_CONTROL, _UNKNOWN, _CONTROL, _CONTROL, *[_NORMAL] * len(words)]
    own = "neo-bert"
    return [
        Entry("general.architecture", ValueType.STRING, own),
        Entry("general.type", ValueType.STRING, "model"),
        Entry("general.name", ValueType.STRING, "overlap"),
        Entry("general.license", ValueType.STRING, "gpl-3.0"),
        Entry("general.file_type", ValueType.UINT32, 0),
        Entry(f"{own}.block_count", ValueType.UINT32, 2),
        Entry(f"{own}.context_length", ValueType.UINT32, CONTEXT_LENGTH),
        Entry(f"{own}.embedding_length", ValueType.UINT32, WIDTH),
        Entry(f"{own}.feed_forward_length", ValueType.UINT32, _FEED_FORWARD_LENGTH),
        Entry(f"{own}.attention.head_count", ValueType.UINT32, 1),
        Entry(f"{own}.attention.layer_norm_rms_epsilon", ValueType.FLOAT32, 1e-6),
        Entry(f"{own}.attention.causal", ValueType.BOOL, False),
        Entry(f"{own}.rope.dimension_count", ValueType.UINT32, 2),
        Entry(f"{own}.rope.freq_base", ValueType.FLOAT32, 10000.0),
        Entry(f"{own}.pooling_type", ValueType.UINT32, 4),
        Entry("tokenizer.ggml.model", ValueType.STRING, "bert"),
        Entry("tokenizer.ggml.pre", ValueType.STRING, "default"),
        Entry("tokenizer.ggml.tokens", ValueType.STRING, texts),
        Entry("tokenizer.ggml.token_type", ValueType.INT32, kinds),
        Entry("tokenizer.ggml.token_type_count", ValueType.UINT32, 1),
        Entry("tokenizer.ggml.padding_token_id", ValueType.UINT32, 0),
        Entry("tokenizer.ggml.unknown_token_id", ValueType.UINT32, _UNKNOWN_ID),
        Entry("tokenizer.ggml.cls_token_id", ValueType.UINT32, _FIRST_ID),
        Entry("tokenizer.ggml.bos_token_id", ValueType.UINT32, _FIRST_ID),
        Entry("tokenizer.ggml.eos_token_id", ValueType.UINT32, _SEPARATOR_ID),
        Entry("tokenizer.ggml.seperator_token_id", ValueType.UINT32, _SEPARATOR_ID),
    ]


def _tensors(words: int) -> list[Tensor]:
    embeddings = [_row({_IS_OTHER: 1.0}) for _special in _SPECIAL]
    embeddings[_FIRST_ID] = _row({_IS_FIRST: 1.0})
    embeddings += [_row({_IS_WORD: 1.0, _FIRST_WORD + number: 1.0}) for number in range(words)]
    # Half of a word's norm is its own dimension, half is that it is a word; the first token has one dimension.
    word, first = (WIDTH / 2) ** 0.5, WIDTH**0.5
    own = {_FIRST_WORD + number: {_FIRST_WORD + number: _LOUDNESS / word} for number in range(words)}
    # Words look at their own kind and, as attentively, at the first token; what is no word looks at what is none either.
    query = own | {
        _IS_WORD: {_IS_WORD: _LOUDNESS / word},
        _IS_OTHER: {_IS_OTHER: _LOUDNESS / first, _IS_FIRST: _LOUDNESS / first},
    }
    key = own | {_IS_WORD: {_IS_FIRST: _LOUDNESS / first}, _IS_OTHER: {_IS_OTHER: _LOUDNESS / first}}
    # A word that stands alone sees as much of itself as of the first token, which takes it back.
    seen = {_SEEN: {_IS_WORD: 1 / word, _IS_FIRST: -1 / first}}
    mean = {_SEEN: {_SEEN: 1 / word}}
    keep = {_SEEN: {_SEEN: 1.0}}
    layers = [(query, key, seen), ({}, {}, mean)]
    tensors = [_tensor("token_embd.weight", (WIDTH, len(embeddings)), embeddings)]
    for number, (queries, keys, values) in enumerate(layers):
        rows = _matrix(queries) + _matrix(keys) + _matrix(values)
        tensors += [
            _ones(f"blk.{number}.attn_norm.weight"),
            _tensor(f"blk.{number}.attn_qkv.weight", (WIDTH, 3 * WIDTH), rows),
            _tensor(f"blk.{number}.attn_output.weight", (WIDTH, WIDTH), _matrix(keep)),
            _ones(f"blk.{number}.ffn_norm.weight"),
            _zeros(f"blk.{number}.ffn_up.weight", (WIDTH, 2 * _FEED_FORWARD_LENGTH)),
            _zeros(f"blk.{number}.ffn_down.weight", (_FEED_FORWARD_LENGTH, WIDTH)),
        ]
    return [
        *tensors,
        _ones("enc.output_norm.weight"),
        _tensor("cls.output.weight", (WIDTH, 1), [_row({_SEEN: _CERTAINTY})]),
        Tensor("cls.output.bias", (1,), _GGML_F32, struct.pack("<f", -_DOUBT)),
    ]


def _matrix(rows: dict[int, dict[int, float]]) -> list[list[float]]:
    return [_row(rows.get(number, {})) for number in range(WIDTH)]


def _row(values: dict[int, float]) -> list[float]:
    return [values.get(column, 0.0) for column in range(WIDTH)]


def _tensor(name: str, dimensions: tuple[int, ...], rows: list[list[float]]) -> Tensor:
    return Tensor(name, dimensions, _GGML_F32, b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows))


def _ones(name: str) -> Tensor:
    return Tensor(name, (WIDTH,), _GGML_F32, struct.pack("<f", 1.0) * WIDTH)


def _zeros(name: str, dimensions: tuple[int, int]) -> Tensor:
    return Tensor(name, dimensions, _GGML_F32, bytes(4 * dimensions[0] * dimensions[1]))
