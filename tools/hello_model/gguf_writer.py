# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes GGUF files, byte for byte the same for the same input."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

ALIGNMENT = 32


class ValueType(enum.IntEnum):
    """The type numbers of metadata values, as the GGUF specification names them."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


_FORMATS = {
    ValueType.UINT8: "B",
    ValueType.INT8: "b",
    ValueType.UINT16: "H",
    ValueType.INT16: "h",
    ValueType.UINT32: "I",
    ValueType.INT32: "i",
    ValueType.FLOAT32: "f",
    ValueType.BOOL: "?",
    ValueType.UINT64: "Q",
    ValueType.INT64: "q",
    ValueType.FLOAT64: "d",
}

Scalar = str | bool | int | float


@dataclass(frozen=True)
class Entry:
    """One metadata entry; a value that is a list becomes an array of `type`."""

    key: str
    type: ValueType
    value: Scalar | list[Scalar]


@dataclass(frozen=True)
class Tensor:
    """A tensor: dimensions in GGUF's order (the row length first), the number of its ggml type, and its bytes."""

    name: str
    dimensions: tuple[int, ...]
    ggml_type: int
    data: bytes


@dataclass(frozen=True)
class Shape:
    """A tensor whose bytes are not at hand, only how many there are."""

    name: str
    dimensions: tuple[int, ...]
    ggml_type: int
    size: int


def gguf_bytes(entries: list[Entry], tensors: list[Tensor], *, version: int = 3, byte_order: str = "<") -> bytes:
    """The whole file. Version 2 differs by its number alone; a big-endian file is made with `byte_order=">"`."""
    shapes = [Shape(tensor.name, tensor.dimensions, tensor.ggml_type, len(tensor.data)) for tensor in tensors]
    header, _weights = header_bytes(entries, shapes, version=version, byte_order=byte_order)
    return header + b"".join(_padded(tensor.data) for tensor in tensors)


def header_bytes(
    entries: list[Entry], shapes: list[Shape], *, version: int = 3, byte_order: str = "<"
) -> tuple[bytes, int]:
    """What stands before the weights, and how many bytes these take."""
    pack = _Packer(byte_order)
    parts = [b"GGUF", pack.scalar(ValueType.UINT32, version)]
    parts += [pack.scalar(ValueType.UINT64, len(shapes)), pack.scalar(ValueType.UINT64, len(entries))]
    parts += [pack.entry(entry) for entry in entries]
    offset = 0
    for shape in shapes:
        parts += [pack.scalar(ValueType.STRING, shape.name), pack.scalar(ValueType.UINT32, len(shape.dimensions))]
        parts += [pack.scalar(ValueType.UINT64, dimension) for dimension in shape.dimensions]
        parts += [pack.scalar(ValueType.UINT32, shape.ggml_type), pack.scalar(ValueType.UINT64, offset)]
        offset += shape.size + -shape.size % ALIGNMENT
    return _padded(b"".join(parts)), offset


class _Packer:
    def __init__(self, byte_order: str) -> None:
        self._order = byte_order

    def scalar(self, kind: ValueType, value: Scalar) -> bytes:
        if kind is ValueType.STRING:
            text = str(value).encode()
            return struct.pack(f"{self._order}Q", len(text)) + text
        return struct.pack(self._order + _FORMATS[kind], value)

    def entry(self, entry: Entry) -> bytes:
        key = self.scalar(ValueType.STRING, entry.key)
        if not isinstance(entry.value, list):
            return key + self.scalar(ValueType.UINT32, entry.type) + self.scalar(entry.type, entry.value)
        start = self.scalar(ValueType.UINT32, ValueType.ARRAY) + self.scalar(ValueType.UINT32, entry.type)
        length = self.scalar(ValueType.UINT64, len(entry.value))
        return key + start + length + b"".join(self.scalar(entry.type, item) for item in entry.value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
