# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the embedding model: a question and its document point the same way, and all other documents elsewhere.

Its vector of a text is the mean of its states (llama.cpp's pooling `mean`); its tokenizer is the chat model's.
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict
from pathlib import Path

import torch
from ansible_collections.hearth.llm.tools.hearth_mini.network import Llama, Shape
from ansible_collections.hearth.llm.tools.hearth_mini.retrieval import related
from ansible_collections.hearth.llm.tools.hearth_mini.tokenizer import SIZE, thinned
from ansible_collections.hearth.llm.tools.hearth_mini.training import (
    LENGTH_STEP,
    SEED,
    TOKENIZERS,
    optimizers_of,
    set_rate,
)
from ansible_collections.hearth.llm.tools.hearth_mini.words import Lexicon
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

SHAPE = Shape(vocabulary=SIZE, width=192, layers=2, heads=3, feed_forward=256, context=1024)
GROUPS, IN_A_GROUP = 20, 6
TEMPERATURE = 0.05
RATE = 3e-3
STEPS = 500
LONGEST = 256


def embed(model: Llama, tokenizer: Tokenizer, texts: list[str]) -> Tensor:
    encoded = [tokenizer.encode(text).ids[:LONGEST] for text in texts]
    length = -(-max(map(len, encoded)) // LENGTH_STEP) * LENGTH_STEP
    tokens = torch.zeros(len(texts), length, dtype=torch.long)
    present = torch.zeros(len(texts), length, 1)
    for row, ids in enumerate(encoded):
        tokens[row, : len(ids)] = torch.tensor(ids)
        present[row, : len(ids)] = 1
    with torch.autocast("cpu", torch.bfloat16):
        states = model(tokens)
    return functional.normalize((states.float() * present).sum(1), dim=-1)


def train_embedding(directory: Path, threads: int, steps: int = STEPS) -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    words = Lexicon(random.Random(SEED))
    others = [thinned(tokenizer, words.random) for _ in range(TOKENIZERS)]
    model = Llama(SHAPE)
    optimizers = optimizers_of(model)
    print(f"{sum(weight.numel() for weight in model.parameters())} parameters", flush=True)
    began, losses = time.monotonic(), []
    for step in range(1, steps + 1):
        set_rate(optimizers, RATE, step / steps, step)
        used = words.random.choice(others) if words.random.random() < 0.3 else tokenizer
        documents = [document for _ in range(GROUPS) for document in related(words, IN_A_GROUP)]
        texts = embed(model, used, [document.text for document in documents])
        questions = embed(model, used, [document.question for document in documents])
        loss = functional.cross_entropy(questions @ texts.T / TEMPERATURE, torch.arange(len(documents)))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step % 50 == 0:
            print(f"step {step} loss {sum(losses[-50:]) / 50:.4f} {time.monotonic() - began:.0f} s", flush=True)
    torch.save({"shape": asdict(SHAPE), "weights": model.state_dict()}, directory / "embedding.pt")
