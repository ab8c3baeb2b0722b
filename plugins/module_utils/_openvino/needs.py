# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What compressing a model takes of its host, said before it begins.

Its weights are in memory once as PyTorch has read them and once as OpenVINO's graph keeps them, beside the programs themselves. These were measured (600 MB
with a model of 3 MB) and are reckoned with more; that weights are there twice is a reckoning, which the peak in each manifest can be held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Mapping

PROGRAMS_BYTES = 3 << 29
# Bits of a weight, with the scales of its group. What is not in four bits is in eight.
_BITS = {"fp16": 16.0, "int8": 8.2}
_FOUR, _EIGHT = 4.5, 8.2
# In what the source is kept: nothing smaller is taken.
_SOURCE_BITS = 16.0


@dataclass(frozen=True)
class Need:
    memory_bytes: int
    disk_bytes: int


def need(weight_bytes: int, method: Mapping[str, Any]) -> Need:
    return Need(2 * weight_bytes + PROGRAMS_BYTES, int(weight_bytes * bits(method) / _SOURCE_BITS) + (64 << 20))


def bits(method: Mapping[str, Any]) -> float:
    """Of a weight, on average."""
    if method["weights"] != "int4":
        return _BITS[str(method["weights"])]
    ratio = float(method["ratio"])
    return ratio * _FOUR + (1 - ratio) * _EIGHT
