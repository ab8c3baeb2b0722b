# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projectors as large as well-known ones, with holes in place of their weights."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Shape, ValueType, header_bytes
from ansible_collections.hearth.llm.tools.hello_model.seer import WIDTH

_F32, _F16 = (0, 4), (1, 2)


@dataclass(frozen=True)
class Projector:
    """Of few layers: how many there are does not change what one picture takes."""

    image: int
    patch: int
    width: int
    feed_forward: int
    heads: int
    layers: int = 2
    hidden: int = 4096


# LLaVA 1.5's, and one that cuts a picture into four times as many pieces.
CLIP_L = Projector(336, 14, 1024, 4096, 16)
LARGER = Projector(672, 14, 1024, 4096, 16)


def write(path: Path, projector: Projector) -> Path:
    """One that fits the model `seer`."""
    own = "clip.vision"
    numbers = {
        "image_size": projector.image,
        "patch_size": projector.patch,
        "embedding_length": projector.width,
        "feed_forward_length": projector.feed_forward,
        "projection_dim": WIDTH,
        "block_count": projector.layers,
        "attention.head_count": projector.heads,
    }
    entries = [
        Entry("general.architecture", ValueType.STRING, "clip"),
        Entry("general.type", ValueType.STRING, "mmproj"),
        Entry("clip.has_vision_encoder", ValueType.BOOL, True),
        Entry("clip.projector_type", ValueType.STRING, "mlp"),
        Entry("clip.use_gelu", ValueType.BOOL, True),
        *(Entry(f"{own}.{key}", ValueType.UINT32, value) for key, value in numbers.items()),
        Entry(f"{own}.attention.layer_norm_epsilon", ValueType.FLOAT32, 1e-5),
        Entry(f"{own}.image_mean", ValueType.FLOAT32, [0.0, 0.0, 0.0]),
        Entry(f"{own}.image_std", ValueType.FLOAT32, [1.0, 1.0, 1.0]),
    ]
    header, weights = header_bytes(entries, _shapes(projector))
    path.write_bytes(header)
    os.truncate(path, len(header) + weights)
    return path


def _shapes(projector: Projector) -> list[Shape]:
    width, feed = projector.width, projector.feed_forward
    shapes = [
        _shape("v.patch_embd.weight", _F32, projector.patch, projector.patch, 3, width),
        _shape("v.position_embd.weight", _F32, width, (projector.image // projector.patch) ** 2),
        *_linear("mm.0", width, projector.hidden),
        *_linear("mm.2", projector.hidden, WIDTH),
    ]
    for layer in range(projector.layers):
        block = f"v.blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            shapes += _linear(f"{block}.{name}", width, width)
        shapes += [*_linear(f"{block}.ffn_up", width, feed), *_linear(f"{block}.ffn_down", feed, width)]
        for name in ("ln1", "ln2"):
            shapes += [_shape(f"{block}.{name}.{part}", _F32, width) for part in ("weight", "bias")]
    return shapes


def _linear(name: str, columns: int, rows: int) -> list[Shape]:
    return [_shape(f"{name}.weight", _F16, columns, rows), _shape(f"{name}.bias", _F32, rows)]


def _shape(name: str, kind: tuple[int, int], *dimensions: int) -> Shape:
    number, size = kind
    return Shape(name, dimensions, number, math.prod(dimensions) * size)
