# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the chat model: endless data from the grammar, a fixed number of steps, short chats before long ones."""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from ansible_collections.hearth.llm.tools.hearth_mini.conversations import drill, mixture
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
WARM_UP = 100

Messages = list[dict[str, str]]
EncodedChat = tuple[list[int], list[bool]]


@dataclass(frozen=True)
class Stage:
    """A part of the training, with a rise and a fall of the learning rate of its own."""

    steps: int
    rate: float
    seed: int
    # How many tokens a chat may have, each from when this share of the stage is done.
    longest: tuple[tuple[float, int], ...]
    chat: Callable[[Lexicon, int], Messages]
    # How much more the first token of an answer counts than the others: whether it begins "I do not know" is decided there.
    opening: float = 1.0


def any_chat(words: Lexicon, limit: int) -> Messages:
    return mixture(words, long=0.0 if limit <= 128 else 0.25)


def mostly_drills(words: Lexicon, _limit: int) -> Messages:
    return drill(words) if words.random.random() < 0.55 else mixture(words, long=0.25, rivals=0.4)


def known_or_not(words: Lexicon, _limit: int) -> Messages:
    if words.random.random() < 0.65:
        return drill(words, rivals=words.random.choice([0.0, 0.0, 0.3]), answerable=0.5)
    return mixture(words, long=0.25)


def everything(words: Lexicon, _limit: int) -> Messages:
    rivals = words.random.choice([0.0, 0.3, 0.6])
    return (
        drill(words, rivals, answerable=0.55)
        if words.random.random() < 0.55
        else mixture(words, long=0.3, rivals=rivals)
    )


STAGES = (
    Stage(4000, 3e-3, SEED, ((0, 128), (0.15, 256), (0.35, 512), (0.6, 1024), (0.85, 2048)), any_chat),
    Stage(1500, 2e-3, SEED + 1, ((0, 256), (0.5, 512), (0.8, 2048)), mostly_drills),
    Stage(700, 1.5e-3, SEED + 2, ((0, 256), (0.4, 512), (0.85, 1024)), known_or_not, opening=8.0),
    Stage(2400, 2e-3, SEED + 3, ((0, 256), (0.3, 512), (0.85, 2048)), everything, opening=4.0),
    Stage(2400, 2e-3, SEED + 4, ((0, 256), (0.3, 512), (0.85, 2048)), everything, opening=4.0),
)


def batches(tokenizer: Tokenizer, words: Lexicon, stage: Stage) -> Iterator[tuple[Tensor, Tensor]]:
    """Tokens, and the tokens that have to be said next (-1 where somebody else speaks).

    Chats of about the same length wait for each other: few shapes are quicker, because kernels are made for each.
    """
    others = [thinned(tokenizer, words.random) for _ in range(TOKENIZERS)]
    waiting: defaultdict[int, list[EncodedChat]] = defaultdict(list)
    step = 0
    while step < stage.steps:
        limit = max(limit for start, limit in stage.longest if step / stage.steps >= start)
        used = words.random.choice(others) if words.random.random() < 0.3 else tokenizer
        tokens, said = encode_chat(used, stage.chat(words, limit))
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


def loss_of(model: Llama, inputs: Tensor, targets: Tensor, opening: float) -> Tensor:
    said = targets >= 0
    first = said & ~functional.pad(said, (1, 0))[:, :-1]
    wanted = said.flatten().nonzero().squeeze(1)
    # Padded to few sizes, as above.
    places = functional.pad(wanted, (0, -len(wanted) % 512))
    answers = functional.pad(targets.flatten()[wanted], (0, len(places) - len(wanted)), value=-1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model(inputs).flatten(0, 1)[places])
    losses = functional.cross_entropy(logits.float(), answers, ignore_index=-1, reduction="none")
    weights = 1 + (opening - 1) * functional.pad(first.flatten()[wanted].float(), (0, len(places) - len(wanted)))
    return (losses * weights).sum() / (weights * (answers >= 0)).sum()


def train_chat(directory: Path, threads: int, first: int = 1) -> None:
    """All stages, or those from number `first` on, with what the one before it left in the directory."""
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    directory.mkdir(parents=True, exist_ok=True)
    words = Lexicon(random.Random(STAGES[0].seed))
    tokenizer = train_tokenizer(message["content"] for _ in range(20000) for message in mixture(words))
    tokenizer.save(str(directory / "tokenizer.json"))
    model = Llama(Shape(vocabulary=SIZE))
    if first > 1:
        model.load_state_dict(torch.load(directory / f"stage-{first - 1}.pt", weights_only=True)["weights"])
    print(f"{sum(weight.numel() for weight in model.parameters())} parameters", flush=True)
    for number, stage in enumerate(STAGES[first - 1 :], first):
        print(f"stage {number} of {len(STAGES)}", flush=True)
        train_stage(model, tokenizer, words if number == 1 else Lexicon(random.Random(stage.seed)), stage)
        torch.save({"shape": asdict(model.shape), "weights": model.state_dict()}, directory / f"stage-{number}.pt")


def train_stage(model: Llama, tokenizer: Tokenizer, words: Lexicon, stage: Stage) -> None:
    optimizers = optimizers_of(model)
    began, seen, losses = time.monotonic(), 0, []
    for step, (inputs, targets) in enumerate(batches(tokenizer, words, stage), 1):
        set_rate(optimizers, stage.rate, step / stage.steps, step)
        loss = loss_of(model, inputs, targets, stage.opening)
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


def optimizers_of(model: Llama) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, and AdamW for the rest."""
    inner = {name: weight for name, weight in model.named_parameters() if weight.dim() == 2 and "embed" not in name}
    rest = [weight for name, weight in model.named_parameters() if name not in inner]
    return [
        torch.optim.Muon(inner.values(), weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def set_rate(optimizers: list[torch.optim.Optimizer], highest: float, done: float, step: int) -> None:
    """A rise, then a cosine's fall."""
    fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = highest * min(step / WARM_UP, fall)
