# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A byte-level BPE of its own, split as SmolLM's is (digits one by one), which llama.cpp knows as `smollm`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SIZE = 1024
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
PAD_ID, START_ID, END_ID = 0, 1, 2
SPECIAL = (PAD, START, END)
PRE_TOKENIZER = "smollm"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def thinned(tokenizer: Tokenizer, source: random.Random) -> Tokenizer:
    """The same tokenizer without some of its merges: words fall into more pieces, and a copy of them is still a copy."""
    description = json.loads(tokenizer.to_str())
    kept = source.uniform(0.3, 0.9)
    description["model"]["merges"] = [pair for pair in description["model"]["merges"] if source.random() < kept]
    return Tokenizer.from_str(json.dumps(description))


def encode_chat(tokenizer: Tokenizer, messages: list[dict[str, str]]) -> tuple[list[int], list[bool]]:
    """The tokens of a chat, and which of them the model has to say."""
    tokens: list[int] = []
    said: list[bool] = []
    for message in messages:
        head = tokenizer.encode(f"{START}{message['role']}\n").ids
        body = [*tokenizer.encode(message["content"]).ids, END_ID]
        tail = tokenizer.encode("\n").ids
        spoken = message["role"] == "assistant"
        tokens += head + body + tail
        said += [False] * len(head) + [spoken] * len(body) + [False] * len(tail)
    return tokens, said
