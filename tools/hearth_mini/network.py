# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Llama architecture, no more of it than training needs. Names and shapes are those of transformers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    width: int = 128
    layers: int = 5
    heads: int = 4
    head_width: int = 64
    feed_forward: int = 320
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self._epsilon = epsilon

    def forward(self, states: Tensor) -> Tensor:
        return functional.rms_norm(states, self.weight.shape, self.weight, self._epsilon)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_width, shape.width, bias=False)

    def forward(self, states: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        batch, length, _width = states.shape

        def heads(projected: Tensor) -> Tensor:
            return projected.view(batch, length, -1, self.shape.head_width).transpose(1, 2)

        queries = rotate(heads(self.q_proj(states)), rotation)
        keys = rotate(heads(self.k_proj(states)), rotation)
        # On a CPU, the plain products are twice as fast as the fused attention's way back.
        scores = queries * self.shape.head_width**-0.5 @ keys.transpose(-1, -2)
        future = torch.full((length, length), -torch.inf, dtype=scores.dtype).triu(1)
        mixed = functional.softmax(scores + future, dim=-1, dtype=scores.dtype) @ heads(self.v_proj(states))
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down_proj = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        return self.down_proj(functional.silu(self.gate_proj(states)) * self.up_proj(states))


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.width, shape.epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.width, shape.epsilon)
        self.mlp = FeedForward(shape)

    def forward(self, states: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        states = states + self.self_attn(self.input_layernorm(states), rotation)
        return states + self.mlp(self.post_attention_layernorm(states))


class Llama(nn.Module):
    """Tokens in, states out. The output matrix is the embedding's own (`logits`)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.04 / (2 * shape.layers) ** 0.5 if deep else 0.04)

    def forward(self, tokens: Tensor) -> Tensor:
        rotation = rotation_table(self.shape, tokens.shape[1])
        states = self.embed_tokens(tokens)
        for layer in self.layers:
            states = layer(states, rotation)
        return self.norm(states)

    def logits(self, states: Tensor) -> Tensor:
        return functional.linear(states, self.embed_tokens.weight)


def rotation_table(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    half = torch.arange(0, shape.head_width, 2).float() / shape.head_width
    angles = torch.outer(torch.arange(length).float(), shape.rope_base**-half)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(states: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = (part.to(states.dtype) for part in rotation)
    first, second = states.chunk(2, dim=-1)
    return states * cosine + torch.cat([-second, first], dim=-1) * sine
