# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the chat model: endless data from the grammar, a fixed number of steps, short chats before long ones."""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from ansible_collections.hearth.llm.tools.hearth_mini.conversations import mixture
from ansible_collections.hearth.llm.tools.hearth_mini.network import Llama, Shape
from ansible_collections.hearth.llm.tools.hearth_mini.tokenizer import SIZE, encode_chat, thinned, train_tokenizer
from ansible_collections.hearth.llm.tools.hearth_mini.words import Lexicon
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

SEED = 20261121
TOKENS_IN_A_BATCH = 8192
LENGTH_STEP = 32
TOKENIZERS = 24
RATE = 3e-3
WARM_UP = 100
SAVE_EVERY = 500

EncodedChat = tuple[list[int], list[bool]]


def longest(done: float) -> int:
    """How many tokens a chat may have when this share of the training is done."""
    return 128 if done < 0.15 else 256 if done < 0.35 else 512 if done < 0.6 else 1024 if done < 0.85 else 2048


def batches(tokenizer: Tokenizer, words: Lexicon, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Tokens, and the tokens that have to be said next (-1 where somebody else speaks).

    Chats of about the same length wait for each other: few shapes are quicker, because kernels are made for each.
    """
    others = [thinned(tokenizer, words.random) for _ in range(TOKENIZERS)]
    waiting: defaultdict[int, list[EncodedChat]] = defaultdict(list)
    step = 0
    while step < steps:
        limit = longest(step / steps)
        used = words.random.choice(others) if words.random.random() < 0.3 else tokenizer
        tokens, said = encode_chat(used, mixture(words, long=0.0 if limit <= 128 else 0.25))
        if len(tokens) > limit:
            continue
        length = -(-len(tokens) // LENGTH_STEP) * LENGTH_STEP
        waiting[length].append((tokens, said))
        if len(waiting[length]) == TOKENS_IN_A_BATCH // length:
            yield padded(waiting.pop(length), length)
            step += 1


def padded(chats: list[EncodedChat], length: int) -> tuple[Tensor, Tensor]:
    inputs = torch.zeros(len(chats), length, dtype=torch.long)
    targets = torch.full((len(chats), length), -1)
    for row, (tokens, said) in enumerate(chats):
        inputs[row, : len(tokens)] = torch.tensor(tokens)
        wanted = [token if spoken else -1 for token, spoken in zip(tokens, said, strict=True)][1:]
        targets[row, : len(wanted)] = torch.tensor(wanted)
    return inputs, targets


def loss_of(model: Llama, inputs: Tensor, targets: Tensor) -> Tensor:
    wanted = (targets.flatten() >= 0).nonzero().squeeze(1)
    # Padded to few sizes, as above.
    places = functional.pad(wanted, (0, -len(wanted) % 512))
    answers = functional.pad(targets.flatten()[wanted], (0, len(places) - len(wanted)), value=-1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model(inputs).flatten(0, 1)[places])
    return functional.cross_entropy(logits.float(), answers, ignore_index=-1)


def train(directory: Path, steps: int, threads: int) -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    directory.mkdir(parents=True, exist_ok=True)
    words = Lexicon(random.Random(SEED))
    tokenizer = train_tokenizer(message["content"] for _ in range(20000) for message in mixture(words))
    tokenizer.save(str(directory / "tokenizer.json"))
    model = Llama(Shape(vocabulary=SIZE))
    optimizers = optimizers_of(model)
    print(f"{sum(weight.numel() for weight in model.parameters())} parameters", flush=True)
    began, seen, losses = time.monotonic(), 0, []
    for step, (inputs, targets) in enumerate(batches(tokenizer, words, steps), 1):
        set_rate(optimizers, step, steps)
        loss = loss_of(model, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += inputs.numel()
        losses.append(loss.item())
        if step % 50 == 0:
            seconds = time.monotonic() - began
            recent = sum(losses[-50:]) / 50
            print(f"step {step} loss {recent:.4f} {seen / seconds:.0f} tokens/s {seconds:.0f} s", flush=True)
        if step % SAVE_EVERY == 0 or step == steps:
            torch.save({"shape": asdict(model.shape), "weights": model.state_dict()}, directory / "model.pt")


def optimizers_of(model: Llama) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, and AdamW for the rest."""
    inner = {name: weight for name, weight in model.named_parameters() if weight.dim() == 2 and "embed" not in name}
    rest = [weight for name, weight in model.named_parameters() if name not in inner]
    return [
        torch.optim.Muon(inner.values(), lr=RATE, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def set_rate(optimizers: list[torch.optim.Optimizer], step: int, steps: int) -> None:
    """A rise, then a cosine's fall."""
    fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(step / WARM_UP, fall)
