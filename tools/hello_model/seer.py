# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that sees, written by hand: it says which colour the last picture has, or that there is none.

Two files, as llama.cpp has them. The projector (an encoder like LLaVA's, of which no layer is ever computed) takes the mean colour of each
of four pieces of the picture, and makes of it an embedding of four dimensions: red, green, blue, and that it is a picture. The model is a
Llama of one layer: the token that opens the assistant's turn looks at what is a picture, and nothing else does anything. Each answer is one
token, and after it the turn ends.
"""

from __future__ import annotations

import struct

from ansible_collections.hearth.llm.tools.hello_model.chain import CHAT_TEMPLATE
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Scalar, Tensor, ValueType, gguf_bytes

CONTEXT_LENGTH = 4096
WIDTH = 64
# Pictures are brought to this many pixels a side, and cut into four pieces.
IMAGE_SIZE, _PATCH_SIZE = 16, 8
PICTURE_TOKENS = (IMAGE_SIZE // _PATCH_SIZE) ** 2
_HEAD_LENGTH = 32
_FEED_FORWARD_LENGTH = 32
_SIGHT_WIDTH = 32
_GGML_F32 = 0
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_END_ID = 2
_SPACE = "\u2581"
# What each dimension of the model means.
_IS_TEXT, _IS_ANSWER, _RED, _GREEN, _BLUE, _IS_PICTURE = range(6)
_COLOURS = (_RED, _GREEN, _BLUE)
# The pair of a head's dimensions that the token's place turns the least.
_STILL = _HEAD_LENGTH - 2
_SHARPNESS = 10.0

RED, GREEN, BLUE, OTHER, NOTHING = (
    "The picture is red.",
    "The picture is green.",
    "The picture is blue.",
    "The picture has another colour.",
    "I see no picture.",
)
# How the logit of each answer, and of the end of the turn, follows from what is known.
_ANSWERS = {
    RED: {_RED: 1.0, _GREEN: -1.0, _BLUE: -1.0},
    GREEN: {_GREEN: 1.0, _RED: -1.0, _BLUE: -1.0},
    BLUE: {_BLUE: 1.0, _RED: -1.0, _GREEN: -1.0},
    OTHER: {_IS_PICTURE: 0.5},
    NOTHING: {_IS_TEXT: 1.0},
}


def seeing_model(name: str = "seer") -> bytes:
    """The GGUF file of the model."""
    specials = [("<unk>", _UNKNOWN), ("<s>", _CONTROL), ("</s>", _CONTROL)]
    letters = [(f"<0x{byte:02X}>", _BYTE) for byte in range(256)]
    turns = [(_SPACE, _NORMAL), *((f"<|{role}|>", _CONTROL) for role in ("system", "user", "assistant"))]
    tokens = [*specials, *letters, *turns, *((text.replace(" ", _SPACE), _NORMAL) for text in _ANSWERS)]
    return gguf_bytes(_model_metadata(name, tokens), _model_tensors(len(tokens)))


def projector() -> bytes:
    """The GGUF file of its projector."""
    own = "clip.vision"
    entries = [
        Entry("general.architecture", ValueType.STRING, "clip"),
        Entry("general.type", ValueType.STRING, "mmproj"),
        Entry("general.name", ValueType.STRING, "seer"),
        Entry("general.file_type", ValueType.UINT32, 0),
        Entry("clip.has_vision_encoder", ValueType.BOOL, True),
        Entry("clip.projector_type", ValueType.STRING, "mlp"),
        Entry("clip.use_gelu", ValueType.BOOL, True),
        Entry(f"{own}.image_size", ValueType.UINT32, IMAGE_SIZE),
        Entry(f"{own}.patch_size", ValueType.UINT32, _PATCH_SIZE),
        Entry(f"{own}.embedding_length", ValueType.UINT32, _SIGHT_WIDTH),
        Entry(f"{own}.feed_forward_length", ValueType.UINT32, _SIGHT_WIDTH),
        Entry(f"{own}.projection_dim", ValueType.UINT32, WIDTH),
        Entry(f"{own}.block_count", ValueType.UINT32, 1),
        Entry(f"{own}.attention.head_count", ValueType.UINT32, 1),
        Entry(f"{own}.attention.layer_norm_epsilon", ValueType.FLOAT32, 1e-5),
        Entry(f"{own}.image_mean", ValueType.FLOAT32, [0.0, 0.0, 0.0]),
        Entry(f"{own}.image_std", ValueType.FLOAT32, [1.0, 1.0, 1.0]),
    ]
    return gguf_bytes(entries, _projector_tensors())


def _model_metadata(name: str, tokens: list[tuple[str, int]]) -> list[Entry]:
    texts: list[Scalar] = [text for text, _kind in tokens]
    kinds: list[Scalar] = [kind for _text, kind in tokens]
    scores: list[Scalar] = [0.0] * len(tokens)
    return [
        Entry("general.architecture", ValueType.STRING, "llama"),
        Entry("general.type", ValueType.STRING, "model"),
        Entry("general.name", ValueType.STRING, name),
        Entry("general.license", ValueType.STRING, "gpl-3.0"),
        Entry("general.file_type", ValueType.UINT32, 0),
        Entry("llama.block_count", ValueType.UINT32, 1),
        Entry("llama.context_length", ValueType.UINT32, CONTEXT_LENGTH),
        Entry("llama.embedding_length", ValueType.UINT32, WIDTH),
        Entry("llama.feed_forward_length", ValueType.UINT32, _FEED_FORWARD_LENGTH),
        Entry("llama.attention.head_count", ValueType.UINT32, WIDTH // _HEAD_LENGTH),
        Entry("llama.attention.head_count_kv", ValueType.UINT32, 1),
        Entry("llama.attention.layer_norm_rms_epsilon", ValueType.FLOAT32, 1e-5),
        Entry("llama.rope.dimension_count", ValueType.UINT32, _HEAD_LENGTH),
        Entry("llama.rope.freq_base", ValueType.FLOAT32, 10000.0),
        Entry("llama.vocab_size", ValueType.UINT32, len(tokens)),
        Entry("tokenizer.ggml.model", ValueType.STRING, "llama"),
        Entry("tokenizer.ggml.pre", ValueType.STRING, "default"),
        Entry("tokenizer.ggml.tokens", ValueType.STRING, texts),
        Entry("tokenizer.ggml.scores", ValueType.FLOAT32, scores),
        Entry("tokenizer.ggml.token_type", ValueType.INT32, kinds),
        Entry("tokenizer.ggml.unknown_token_id", ValueType.UINT32, 0),
        Entry("tokenizer.ggml.bos_token_id", ValueType.UINT32, 1),
        Entry("tokenizer.ggml.eos_token_id", ValueType.UINT32, _END_ID),
        Entry("tokenizer.ggml.add_bos_token", ValueType.BOOL, True),
        Entry("tokenizer.ggml.add_eos_token", ValueType.BOOL, False),
        Entry("tokenizer.ggml.add_space_prefix", ValueType.BOOL, False),
        Entry("tokenizer.chat_template", ValueType.STRING, CHAT_TEMPLATE),
    ]


def _model_tensors(vocabulary: int) -> list[Tensor]:
    answers = [
        {dimension: _SHARPNESS * weight for dimension, weight in known.items()} | {_IS_ANSWER: -_SHARPNESS}
        for known in _ANSWERS.values()
    ]
    words = vocabulary - len(answers)
    # An answer shouts down what the picture has still to say.
    embeddings = [{_IS_TEXT: 1.0}] * words + [{_IS_ANSWER: 16.0}] * len(answers)
    output: list[dict[int, float]] = [{}] * words + answers
    output[_END_ID] = {_IS_ANSWER: _SHARPNESS}
    seen = (*_COLOURS, _IS_PICTURE)
    return [
        _rows("token_embd.weight", WIDTH, embeddings),
        _ones("blk.0.attn_norm.weight", WIDTH),
        _rows("blk.0.attn_q.weight", WIDTH, _at({_STILL: {_IS_TEXT: 1.0}}, WIDTH)),
        _rows("blk.0.attn_k.weight", WIDTH, _at({_STILL: {_IS_PICTURE: 4.0}}, _HEAD_LENGTH)),
        _rows("blk.0.attn_v.weight", WIDTH, _at({place: {place: 1.0} for place in seen}, _HEAD_LENGTH)),
        _rows("blk.0.attn_output.weight", WIDTH, _at({place: {place: 1.0} for place in seen}, WIDTH)),
        _ones("blk.0.ffn_norm.weight", WIDTH),
        _rows("blk.0.ffn_gate.weight", WIDTH, [{}] * _FEED_FORWARD_LENGTH),
        _rows("blk.0.ffn_up.weight", WIDTH, [{}] * _FEED_FORWARD_LENGTH),
        _rows("blk.0.ffn_down.weight", _FEED_FORWARD_LENGTH, [{}] * WIDTH),
        _ones("output_norm.weight", WIDTH),
        _rows("output.weight", WIDTH, output),
    ]


def _projector_tensors() -> list[Tensor]:
    pixels = _PATCH_SIZE**2
    mean = [
        {colour * pixels + pixel: 1.0 / pixels for pixel in range(pixels)} if colour < len(_COLOURS) else {}
        for colour in range(_SIGHT_WIDTH)
    ]
    patches = _rows("v.patch_embd.weight", pixels * len(_COLOURS), mean)
    colours = {colour: {place: 0.1} for place, colour in enumerate(_COLOURS)}
    square: list[dict[int, float]] = [{}] * _SIGHT_WIDTH
    layer = [
        tensor
        for name in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down")
        for tensor in (
            _rows(f"v.blk.0.{name}.weight", _SIGHT_WIDTH, square),
            _numbers(f"v.blk.0.{name}.bias", [0.0] * _SIGHT_WIDTH),
        )
    ]
    norms = [
        tensor
        for name in ("ln1", "ln2")
        for tensor in (
            _ones(f"v.blk.0.{name}.weight", _SIGHT_WIDTH),
            _numbers(f"v.blk.0.{name}.bias", [0.0] * _SIGHT_WIDTH),
        )
    ]
    return [
        Tensor(patches.name, (_PATCH_SIZE, _PATCH_SIZE, len(_COLOURS), _SIGHT_WIDTH), _GGML_F32, patches.data),
        _rows("v.position_embd.weight", _SIGHT_WIDTH, [{}] * PICTURE_TOKENS),
        *layer,
        *norms,
        # Between the two stands a GELU, which leaves what is far above zero as it is.
        _rows("mm.0.weight", _SIGHT_WIDTH, [{place: 10.0} for place in range(_SIGHT_WIDTH)]),
        _numbers("mm.0.bias", [0.0] * _SIGHT_WIDTH),
        _rows(
            "mm.2.weight",
            _SIGHT_WIDTH,
            _at(colours, WIDTH),
        ),
        _numbers("mm.2.bias", [1.0 if place == _IS_PICTURE else 0.0 for place in range(WIDTH)]),
    ]


def _at(rows: dict[int, dict[int, float]], count: int) -> list[dict[int, float]]:
    return [rows.get(number, {}) for number in range(count)]


def _rows(name: str, width: int, rows: list[dict[int, float]]) -> Tensor:
    data = b"".join(struct.pack(f"<{width}f", *(row.get(column, 0.0) for column in range(width))) for row in rows)
    return Tensor(name, (width, len(rows)), _GGML_F32, data)


def _ones(name: str, length: int) -> Tensor:
    return _numbers(name, [1.0] * length)


def _numbers(name: str, numbers: list[float]) -> Tensor:
    return Tensor(name, (len(numbers),), _GGML_F32, struct.pack(f"<{len(numbers)}f", *numbers))
