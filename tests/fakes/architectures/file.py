# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a model's header, and behind it a hole as large as its weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Shape, ValueType, header_bytes
from fakes.architectures.quantization import NUMBERS, size_of, type_of
from fakes.architectures.tensors import tensors
from fakes.architectures.zoo import Model


def header(model: Model) -> tuple[bytes, int]:
    """The header, and the size of the whole file."""
    shapes = []
    for name, dimensions in tensors(model):
        kind = type_of(model.quantization, name, dimensions, model.layers, tied=model.tied)
        shapes.append(Shape(name, dimensions, NUMBERS[kind], size_of(kind, dimensions)))
    start, weights = header_bytes(_metadata(model), shapes)
    return start, len(start) + weights


def write(path: Path, model: Model) -> Path:
    start, size = header(model)
    with path.open("wb") as file:
        file.write(start)
    os.truncate(path, size)
    return path


def _metadata(model: Model) -> list[Entry]:
    own: dict[str, Any] = {
        "context_length": 131072,
        "embedding_length": model.width,
        "block_count": model.layers,
        "feed_forward_length": model.feed_forward,
        "vocab_size": model.vocabulary,
        "attention.layer_norm_rms_epsilon": 1e-6,
    }
    if model.heads:
        own["attention.head_count"] = model.heads
        own["attention.head_count_kv"] = model.kv_heads
        own["attention.key_length"] = model.head
        own["attention.value_length"] = model.head
        own["rope.dimension_count"] = model.head
    own.update(model.metadata)
    entries = [Entry("general.architecture", ValueType.STRING, model.architecture)]
    if model.traits.get("encoder"):
        entries.append(Entry("tokenizer.ggml.token_type_count", ValueType.UINT32, 2))
    # Without a vocabulary: its words need no memory to speak of.
    entries.append(Entry("tokenizer.ggml.model", ValueType.STRING, "none"))
    return entries + [_entry(f"{model.architecture}.{key}", value) for key, value in own.items()]


def _entry(key: str, value: Any) -> Entry:
    first = value[0] if isinstance(value, list) else value
    kinds = {bool: ValueType.BOOL, int: ValueType.UINT32, float: ValueType.FLOAT32, str: ValueType.STRING}
    return Entry(key, kinds[type(first)], value)
