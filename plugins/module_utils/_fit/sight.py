# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a projector takes, with which a model sees: its weights, and the buffers of one picture.

After llama.cpp's tools/mtmd/clip.cpp. The numbers in front of widths were measured on llama.cpp 0.7.0, on projectors of 576 to 4096 pieces with and
without flash attention; they are within 10 % of what it says of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import read_header

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import ByteSource

_FLOAT, _COLOURS = 4, 3
_WIDTHS, _WIDTHS_WITH_SCORES = 3, 5
# Those that take a picture in its own size reserve room for 46 by 46 tokens of four pieces each.
_ANY_SIZE = ("qwen2vl", "qwen2.5vl", "qwen3vl")
_ANY_SIZE_PIECES = 46 * 46 * 4


@dataclass(frozen=True)
class Sight:
    weight_bytes: int
    # Into which the largest picture is cut that there is room for from the start.
    pieces: int = 0
    width: int = 0
    feed_forward: int = 0
    heads: int = 0
    picture_bytes: int = 0

    def compute_bytes(self, *, flash: bool) -> int:
        unit = self.pieces * _FLOAT
        largest = unit * (self.feed_forward + _WIDTHS * self.width)
        if not flash:
            largest = max(largest, unit * (self.pieces * self.heads + _WIDTHS_WITH_SCORES * self.width))
        return largest + self.picture_bytes


def read(source: ByteSource, size: int) -> Sight:
    metadata = read_header(source).metadata

    def number(key: str) -> int:
        value = metadata.get(f"clip.vision.{key}")
        return value if isinstance(value, int) else 0

    side, piece = number("image_size"), number("patch_size")
    pieces = (side // piece) ** 2 if piece else 0
    if str(metadata.get("clip.projector_type", "")).startswith(_ANY_SIZE):
        pieces = max(pieces, _ANY_SIZE_PIECES)
    return Sight(
        weight_bytes=size,
        pieces=pieces,
        width=number("embedding_length"),
        feed_forward=number("feed_forward_length"),
        heads=number("attention.head_count"),
        picture_bytes=pieces * piece**2 * _COLOURS * _FLOAT,
    )
