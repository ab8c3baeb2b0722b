# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A language model written by hand: whatever it is asked, it says one sentence, word by word, and ends its turn.

It is a Llama of one layer that every engine loads like any other, and a Markov chain inside. Attention and feed-forward
weights are zero, so the residual stream carries nothing but the embedding of the last token. Each word of the sentence
has an embedding of its own, a row of a Hadamard matrix: ±1 everywhere (the RMS norm leaves it as it is) and orthogonal
to all others. The output row of a word is the embedding of the word before it. So the logit of the right next token is
the embedding's length, at least 64, and that of all others is exactly 0: the answer is the same at any usual temperature.
Everything that is not a word of the sentence, also the token that opens the assistant's turn, shares one embedding, to
which the first word answers.

A second sentence is a chain of its own, which a token of its own begins: the chat template writes it where this sentence is wanted.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Scalar, Tensor, ValueType, gguf_bytes

CONTEXT_LENGTH = 32768
HEAD_LENGTH = 32
FEED_FORWARD_LENGTH = 32
SMALLEST_EMBEDDING = 64

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

# The token that begins the second sentence.
SECOND = "<|second|>"

# The numbers of llama.cpp: kinds of tokens, tensor types, general.file_type.
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_GGML_F32, _GGML_F16 = 0, 1
_MOSTLY_F16 = 1

_UNKNOWN_ID, _BEGIN_ID, _END_ID = 0, 1, 2
# SentencePiece writes a space as this character.
_SPACE = "\u2581"


@dataclass(frozen=True)
class _Token:
    text: str
    kind: int


_COMMON_TOKENS = [
    _Token("<unk>", _UNKNOWN),
    _Token("<s>", _CONTROL),
    _Token("</s>", _CONTROL),
    *(_Token(f"<0x{byte:02X}>", _BYTE) for byte in range(256)),
    _Token(_SPACE, _NORMAL),
    _Token("<|system|>", _CONTROL),
    _Token("<|user|>", _CONTROL),
    _Token("<|assistant|>", _CONTROL),
]


def hello_model(
    name: str,
    sentence: str,
    *,
    context_length: int = CONTEXT_LENGTH,
    second: str = "",
    template: str = CHAT_TEMPLATE,
    endless: bool = False,
) -> bytes:
    """The GGUF file of a model that answers everything with `sentence`, and with `second` where its template ends with SECOND.

    One that is `endless` says its sentence again and again.
    """
    if sentence != sentence.strip() or not sentence:
        raise ValueError("the sentence must be neither empty nor begin or end with white space, which clients strip")
    pieces, more = unique_pieces(sentence), unique_pieces(second)
    if twice := set(pieces) & set(more):
        raise ValueError(f"the two sentences must not share {', '.join(sorted(twice))}")
    chains = [len(pieces), *([len(more)] if more else [])]
    pieces += more
    if taken := {token.text for token in _COMMON_TOKENS} & set(pieces):
        raise ValueError(f"the sentence must not hold {', '.join(sorted(taken))}, which every vocabulary has already")
    tokens = _COMMON_TOKENS + [_Token(piece.replace(" ", _SPACE), _NORMAL) for piece in pieces]
    tokens += [_Token(SECOND, _CONTROL)] if more else []
    # State 0 is "nothing of the sentence has been said"; state n is "the n-th token after the common ones was the last".
    width = _power_of_two_from(max(SMALLEST_EMBEDDING, len(pieces) + len(chains)))
    entries = _metadata(name, sentence, tokens, width, context_length, template)
    return gguf_bytes(entries, _tensors(chains, width, endless))


def unique_pieces(sentence: str) -> list[str]:
    """The sentence in words, each with the white space before it, none twice.

    A vocabulary must not hold a text twice, and a chain needs a state for each place: so a word that has been said
    already is taken together with the word after it, or, at the end, with the words before it.
    """
    pieces: list[str] = []
    pending = ""
    for word in re.findall(r"\s*\S+", sentence):
        pending += word
        if pending not in pieces:
            pieces.append(pending)
            pending = ""
    while pending:
        pending = pieces.pop() + pending
        if pending not in pieces:
            pieces.append(pending)
            pending = ""
    return pieces


def _metadata(
    name: str, sentence: str, tokens: list[_Token], width: int, context_length: int, template: str
) -> list[Entry]:
    texts: list[Scalar] = [token.text for token in tokens]
    kinds: list[Scalar] = [token.kind for token in tokens]
    scores: list[Scalar] = [0.0] * len(tokens)
    description = (
        "A demonstration model written by hand, not trained: it knows nothing and answers every prompt with one fixed "
        f'sentence: "{sentence}"'
    )
    return [
        Entry("general.architecture", ValueType.STRING, "llama"),
        Entry("general.type", ValueType.STRING, "model"),
        Entry("general.name", ValueType.STRING, name),
        Entry("general.description", ValueType.STRING, description),
        Entry("general.license", ValueType.STRING, "gpl-3.0"),
        Entry("general.file_type", ValueType.UINT32, _MOSTLY_F16),
        Entry("llama.block_count", ValueType.UINT32, 1),
        Entry("llama.context_length", ValueType.UINT32, context_length),
        Entry("llama.embedding_length", ValueType.UINT32, width),
        Entry("llama.feed_forward_length", ValueType.UINT32, FEED_FORWARD_LENGTH),
        Entry("llama.attention.head_count", ValueType.UINT32, width // HEAD_LENGTH),
        Entry("llama.attention.head_count_kv", ValueType.UINT32, 1),
        Entry("llama.attention.layer_norm_rms_epsilon", ValueType.FLOAT32, 1e-5),
        Entry("llama.rope.dimension_count", ValueType.UINT32, HEAD_LENGTH),
        Entry("llama.rope.freq_base", ValueType.FLOAT32, 10000.0),
        Entry("llama.vocab_size", ValueType.UINT32, len(tokens)),
        Entry("tokenizer.ggml.model", ValueType.STRING, "llama"),
        Entry("tokenizer.ggml.pre", ValueType.STRING, "default"),
        Entry("tokenizer.ggml.tokens", ValueType.STRING, texts),
        Entry("tokenizer.ggml.scores", ValueType.FLOAT32, scores),
        Entry("tokenizer.ggml.token_type", ValueType.INT32, kinds),
        Entry("tokenizer.ggml.unknown_token_id", ValueType.UINT32, _UNKNOWN_ID),
        Entry("tokenizer.ggml.bos_token_id", ValueType.UINT32, _BEGIN_ID),
        Entry("tokenizer.ggml.eos_token_id", ValueType.UINT32, _END_ID),
        Entry("tokenizer.ggml.add_bos_token", ValueType.BOOL, True),
        Entry("tokenizer.ggml.add_eos_token", ValueType.BOOL, False),
        Entry("tokenizer.ggml.add_space_prefix", ValueType.BOOL, False),
        Entry("tokenizer.chat_template", ValueType.STRING, template),
    ]


def _tensors(chains: list[int], width: int, endless: bool) -> list[Tensor]:
    common, pieces = len(_COMMON_TOKENS), sum(chains)
    # One token more where there is a second chain: the one that begins it.
    own = pieces + len(chains) - 1
    start = _state((0,), width)
    silent = bytes(len(start))
    embeddings = start * common + b"".join(_state((number,), width) for number in range(1, own + 1))
    # Who answers to which state: a piece to the one before it, and the end of the turn to the last piece of each chain.
    begins = {0: 0, chains[0]: own}
    before = [begins[number] if number in begins and number < pieces else number for number in range(pieces)]
    answers = [silent] * common + [_state((number,), width) for number in before] + [silent] * (own - pieces)
    last = tuple(dict.fromkeys((chains[0], pieces)))
    if endless:
        answers[common] = _state((0, *last), width)
    else:
        answers[_END_ID] = _state(last, width)
    vocabulary = common + own
    return [
        Tensor("token_embd.weight", (width, vocabulary), _GGML_F16, embeddings),
        _ones("blk.0.attn_norm.weight", width),
        _zeros("blk.0.attn_q.weight", width, width),
        _zeros("blk.0.attn_k.weight", width, HEAD_LENGTH),
        _zeros("blk.0.attn_v.weight", width, HEAD_LENGTH),
        _zeros("blk.0.attn_output.weight", width, width),
        _ones("blk.0.ffn_norm.weight", width),
        _zeros("blk.0.ffn_gate.weight", width, FEED_FORWARD_LENGTH),
        _zeros("blk.0.ffn_up.weight", width, FEED_FORWARD_LENGTH),
        _zeros("blk.0.ffn_down.weight", FEED_FORWARD_LENGTH, width),
        _ones("output_norm.weight", width),
        Tensor("output.weight", (width, vocabulary), _GGML_F16, b"".join(answers)),
    ]


def _state(numbers: tuple[int, ...], width: int) -> bytes:
    """The sum of these rows of the Hadamard matrix of order `width`, as F16."""
    rows = ([-1.0 if (number & column).bit_count() % 2 else 1.0 for column in range(width)] for number in numbers)
    return struct.pack(f"<{width}e", *map(sum, zip(*rows, strict=True)))


def _ones(name: str, length: int) -> Tensor:
    return Tensor(name, (length,), _GGML_F32, struct.pack("<f", 1.0) * length)


def _zeros(name: str, columns: int, rows: int) -> Tensor:
    return Tensor(name, (columns, rows), _GGML_F16, bytes(2 * columns * rows))


def _power_of_two_from(number: int) -> int:
    return 1 << (number - 1).bit_length()
