# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GGUF file's header says about the model, in the words of people who serve models."""

from __future__ import annotations

import re
from typing import Any, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import (
    GgufError,
    Header,
    SkippedArray,
    TensorInfo,
    read_header,
)
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import ByteSource
from ansible_collections.hearth.llm.plugins.module_utils._gguf.tables import FILE_TYPE_GUESSED, FILE_TYPES

_PART_NAME = re.compile(r"-(\d{5})-of-(\d{5})(?=\.gguf$)")


def part_names(name: str) -> list[str]:
    """All parts of a model whose first part is `name`; `name` alone where it is not one of several."""
    found = _PART_NAME.search(name)
    if not found or int(found.group(1)) != 1:
        return [name]
    count = int(found.group(2))
    return [_PART_NAME.sub(f"-{number:05}-of-{count:05}", name) for number in range(1, count + 1)]


def describe(sources: Sequence[ByteSource]) -> dict[str, Any]:
    """The model whose parts these are, the first one first. Numbers that need all parts are those of all parts given."""
    return describe_headers(sources, [read_header(source) for source in sources])


def describe_headers(sources: Sequence[ByteSource], headers: Sequence[Header]) -> dict[str, Any]:
    """The same for headers that have been read already."""
    header = headers[0]
    values = _Values(header.metadata)
    tensors = [tensor for part in headers for tensor in part.tensors]
    sizes = [source.size for source in sources]
    parameters = sum(tensor.parameters for tensor in tensors)
    tensor_bytes = _sum_or_none([tensor.size for tensor in tensors])
    weights = _weights_by_type(tensors)
    dominant = max(weights, key=lambda name: weights[name]) if weights else None
    file_type = _file_type(values.integer("general.file_type"))
    _check_parts(sources, headers)
    return {
        "name": values.text("general.name"),
        "description": values.text("general.description"),
        "license": values.text("general.license"),
        "architecture": values.text("general.architecture"),
        "parameters": parameters,
        "quantization": file_type or dominant,
        "file_type": file_type,
        "dominant_tensor_type": dominant,
        "tensor_types": weights,
        "bits_per_weight": round(tensor_bytes * 8 / parameters, 2) if tensor_bytes and parameters else None,
        "layers": values.integer("block_count"),
        "heads": values.integer("attention.head_count"),
        "kv_heads": values.integer("attention.head_count_kv") or values.integer("attention.head_count"),
        "kv_heads_by_layer": values.integers("attention.head_count_kv"),
        "key_length": values.integer("attention.key_length") or _head_length(values),
        "value_length": values.integer("attention.value_length") or _head_length(values),
        "sliding_window": values.integer("attention.sliding_window"),
        "embedding_length": values.integer("embedding_length"),
        "feed_forward_length": values.integer("feed_forward_length"),
        "context_length": values.integer("context_length"),
        "vocabulary_size": values.length("tokenizer.ggml.tokens") or values.integer("vocab_size"),
        "experts": values.integer("expert_count") or 0,
        "experts_used": values.integer("expert_used_count") or 0,
        "rope": {
            "dimensions": values.integer("rope.dimension_count"),
            "base": values.number("rope.freq_base"),
            "scaling": values.text("rope.scaling.type"),
            "scaling_factor": values.number("rope.scaling.factor"),
            "original_context_length": values.integer("rope.scaling.original_context_length"),
        },
        "tokenizer": values.text("tokenizer.ggml.model"),
        "tokenizer_pre": values.text("tokenizer.ggml.pre"),
        "has_chat_template": bool(values.text("tokenizer.chat_template")),
        "chat_template": values.text("tokenizer.chat_template"),
        "split_index": values.integer("split.no") or 0,
        "split_count": values.integer("split.count") or 1,
        "tensors": len(tensors),
        "tensor_bytes": tensor_bytes,
        "file_bytes": _sum_or_none(sizes),
        "header_bytes": header.data_start,
        "complete": _complete(headers, sizes),
        "gguf_version": header.version,
        "byte_order": header.byte_order,
    }


class _Values:
    """Metadata by key, each in the type that it ought to have, or None. A key without a dot-free prefix is the architecture's own."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        self._metadata = metadata
        self._architecture = metadata.get("general.architecture")

    def _get(self, key: str) -> Any:
        if key.startswith(("general.", "tokenizer.", "split.")):
            return self._metadata.get(key)
        return self._metadata.get(f"{self._architecture}.{key}")

    def text(self, key: str) -> str | None:
        value = self._get(key)
        return value if isinstance(value, str) else None

    def integers(self, key: str) -> list[int]:
        """Some architectures have a number for each layer where others have one for all."""
        value = self._get(key)
        values = value if isinstance(value, list) else [value]
        return [number for number in values if isinstance(number, int) and not isinstance(number, bool)]

    def integer(self, key: str) -> int | None:
        """The largest, where each layer has its own."""
        return max(self.integers(key), default=None)

    def number(self, key: str) -> float | None:
        value = self._get(key)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def length(self, key: str) -> int | None:
        value = self._get(key)
        if isinstance(value, SkippedArray):
            return value.length
        return len(value) if isinstance(value, list) else None


def _file_type(number: int | None) -> str | None:
    if number is None:
        return None
    number &= ~FILE_TYPE_GUESSED
    return FILE_TYPES.get(number, f"unknown ({number})")


def _head_length(values: _Values) -> int | None:
    """What llama.cpp takes where the header does not say how long a head is."""
    width, heads = values.integer("embedding_length"), values.integer("attention.head_count")
    return width // heads if width and heads else None


def _weights_by_type(tensors: Sequence[TensorInfo]) -> dict[str, int]:
    weights: dict[str, int] = {}
    for tensor in tensors:
        weights[tensor.type_name] = weights.get(tensor.type_name, 0) + tensor.parameters
    return weights


def _sum_or_none(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _complete(headers: Sequence[Header], sizes: Sequence[int | None]) -> bool | None:
    """Whether each file reaches as far as its last tensor; None where that cannot be known."""
    complete = True
    for header, size in zip(headers, sizes):
        ends = _sum_or_none([tensor.size for tensor in header.tensors])
        if size is None or ends is None:
            return None
        last = max((tensor.offset + (tensor.size or 0) for tensor in header.tensors), default=0)
        complete = complete and header.data_start + last <= size
    return complete


def _check_parts(sources: Sequence[ByteSource], headers: Sequence[Header]) -> None:
    if len(headers) == 1:
        return
    for number, (source, header) in enumerate(zip(sources, headers)):
        values = _Values(header.metadata)
        if (values.integer("split.no"), values.integer("split.count")) != (number, len(headers)):
            raise GgufError(
                f"{source.name} is by its name part {number + 1} of {len(headers)}, and by its header part "
                f"{(values.integer('split.no') or 0) + 1} of {values.integer('split.count') or 1}. Fetch the parts again, under their own names."
            )
