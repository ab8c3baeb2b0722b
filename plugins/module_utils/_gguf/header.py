# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a GGUF header apart: the metadata and the list of tensors, which stand before the weights.

The file may be anything: cut off, damaged, or made to do harm. So nothing that it announces is believed before it is there.
Arrays of texts (vocabularies of a million entries) are walked over, not kept.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import ByteSource
from ansible_collections.hearth.llm.plugins.module_utils._gguf.tables import ARRAY, SCALARS, STRING, TENSOR_TYPES

MAGIC = b"GGUF"
DEFAULT_ALIGNMENT = 32
# The largest vocabularies make headers of about 20 MiB.
LONGEST_HEADER = 64 << 20
# The largest models have some thousands of tensors.
MOST_ENTRIES = 100_000
# Longer arrays are walked over: only their length is of use.
LONGEST_KEPT_ARRAY = 1024
# No single text of a header (the longest are chat templates) comes near.
LONGEST_TEXT = 16 << 20
MOST_DIMENSIONS = 4
_FIRST_READ = 256 << 10
_LARGEST_READ = 8 << 20


class GgufError(HearthError):
    """The bytes are not a GGUF header that can be read."""


@dataclass(frozen=True)
class SkippedArray:
    """An array that was walked over."""

    length: int


@dataclass(frozen=True)
class TensorInfo:
    name: str
    dimensions: tuple[int, ...]
    type_name: str
    parameters: int
    offset: int
    # None where this program does not know the tensor's type.
    size: int | None


@dataclass(frozen=True)
class Header:
    version: int
    byte_order: str
    metadata: dict[str, Any]
    tensors: list[TensorInfo]
    # Bytes from the file's start to the end of the tensor list, and to the first weight.
    length: int
    data_start: int


def read_header(source: ByteSource) -> Header:
    """The header of the file, or GgufError with one sentence that says what is wrong and what to do."""
    cursor = _Cursor(source)
    entry_count, tensor_count = _begin(cursor)
    metadata = dict(_entry(cursor, number) for number in _counted(cursor, entry_count, "metadata entries"))
    tensors = [_tensor(cursor, number) for number in _counted(cursor, tensor_count, "tensors")]
    return Header(
        cursor.version,
        "little" if cursor.order == "<" else "big",
        metadata,
        tensors,
        cursor.at,
        _data_start(cursor, metadata),
    )


def read_general(source: ByteSource) -> dict[str, Any]:
    """What is said of the file in general, such as which kind it is, without walking over its vocabulary."""
    cursor = _Cursor(source)
    entries, _tensors = _begin(cursor)
    general: dict[str, Any] = {}
    for number in _counted(cursor, entries, "metadata entries"):
        key, value = _entry(cursor, number)
        if key.startswith("tokenizer."):
            break
        if key.startswith("general."):
            general[key] = value
    return general


class _Cursor:
    """Walks through the file forwards, reading larger and larger pieces of it."""

    def __init__(self, source: ByteSource) -> None:
        self.source, self.order, self.version, self.what = source, "<", 0, ""
        self._piece, self._piece_start, self._next_read = b"", 0, _FIRST_READ
        self.at = 0

    def start(self) -> bytes:
        """The first bytes, as many as there are of the first kilobyte."""
        self._piece = self.source.read(0, _FIRST_READ)
        return self._piece[:1024]

    def take(self, length: int) -> bytes:
        """The next bytes; never asks for memory before it is known that the file is so long."""
        index = self.at - self._piece_start
        if index + length > len(self._piece):
            self._fill(length)
            index = 0
        self.at += length
        return self._piece[index : index + length]

    def skip(self, length: int) -> None:
        self._check(length)
        self.at += length

    def scalar(self, form: str) -> Any:
        return struct.unpack(self.order + form, self.take(struct.calcsize("=" + form)))[0]

    def text(self) -> str:
        length = self.scalar("Q")
        if length > LONGEST_TEXT:
            raise self.damaged(f"{self.what} is announced with {length} bytes")
        return self.take(length).decode("utf-8", "replace")

    def skip_texts(self, count: int) -> None:
        unpack, size = struct.Struct(self.order + "Q").unpack_from, 8
        piece, base, end, at = self._piece, self._piece_start, self._piece_start + len(self._piece), self.at
        for _number in range(count):
            if at + size > end:
                self.at = at
                self.take(size)
                piece, base, end = self._piece, self._piece_start, self._piece_start + len(self._piece)
            at += size + unpack(piece, at - base)[0]
        self.at = at
        self._check(0)

    def damaged(self, why: str) -> GgufError:
        return GgufError(f"{self.source.name} is damaged: {why}. Fetch it again.")

    def _fill(self, length: int) -> None:
        self._check(length)
        wanted = max(length, self._next_read)
        self._next_read = min(self._next_read * 2, _LARGEST_READ)
        self._piece, self._piece_start = self.source.read(self.at, wanted), self.at
        if len(self._piece) < length:
            raise self._cut(self.at + len(self._piece))

    def _check(self, length: int) -> None:
        if self.source.size is not None and self.at + length > self.source.size:
            raise self._cut(self.source.size)
        if self.at + length > LONGEST_HEADER:
            raise self.damaged(
                f"its header goes on after {LONGEST_HEADER >> 20} MiB, in {self.what}, which no model's header does"
            )

    def _cut(self, end: int) -> GgufError:
        return GgufError(
            f"{self.source.name} is cut off or damaged: it ends after {end} bytes, in the middle of its header ({self.what}). Fetch it again."
        )


def _begin(cursor: _Cursor) -> tuple[int, int]:
    """How many metadata entries and tensors follow."""
    cursor.what = "the first bytes"
    start = cursor.start()
    if start[:4] != MAGIC:
        raise GgufError(f"{cursor.source.name} is not a GGUF file: {_recognised(start)}")
    cursor.skip(len(MAGIC))
    cursor.version = cursor.scalar("I")
    if cursor.version and not cursor.version & 0xFFFF:
        cursor.order = ">"
        cursor.version = int.from_bytes(struct.pack("<I", cursor.version), "big")
    if cursor.version not in (2, 3):
        raise GgufError(
            f"{cursor.source.name} is GGUF version {cursor.version}, and only 2 and 3 can be read. Convert the model again, or update hearth.llm."
        )
    cursor.what = "the numbers of tensors and of metadata entries"
    tensors, entries = cursor.scalar("Q"), cursor.scalar("Q")
    return entries, tensors


def _counted(cursor: _Cursor, count: int, what: str) -> range:
    if count > MOST_ENTRIES:
        raise cursor.damaged(f"it announces {count} {what}")
    return range(count)


def _entry(cursor: _Cursor, number: int) -> tuple[str, Any]:
    cursor.what = f"the key of metadata entry {number + 1}"
    key = cursor.text()
    cursor.what = f"the metadata entry {key[:80]}"
    kind = cursor.scalar("I")
    if kind == STRING:
        return key, cursor.text()
    if kind == ARRAY:
        return key, _array(cursor)
    return key, cursor.scalar(_format(cursor, kind))


def _array(cursor: _Cursor) -> Any:
    kind, length = cursor.scalar("I"), cursor.scalar("Q")
    if kind == STRING:
        if length * 8 > LONGEST_HEADER:
            raise cursor.damaged(f"{cursor.what} is announced with {length} texts")
        cursor.skip_texts(length)
        return SkippedArray(length)
    form = _format(cursor, kind)
    size = length * struct.calcsize("=" + form)
    if length > LONGEST_KEPT_ARRAY:
        cursor.skip(size)
        return SkippedArray(length)
    return list(struct.unpack(f"{cursor.order}{length}{form}", cursor.take(size)))


def _format(cursor: _Cursor, kind: int) -> str:
    if kind not in SCALARS:
        raise cursor.damaged(f"{cursor.what} has the unknown value type {kind}")
    return SCALARS[kind]


def _tensor(cursor: _Cursor, number: int) -> TensorInfo:
    cursor.what = f"tensor {number + 1}"
    name = cursor.text()
    count = cursor.scalar("I")
    if count > MOST_DIMENSIONS:
        raise cursor.damaged(f"its tensor {name[:80]} has {count} dimensions")
    dimensions = tuple(cursor.scalar("Q") for _dimension in range(count))
    kind, offset = cursor.scalar("I"), cursor.scalar("Q")
    parameters = 1
    for dimension in dimensions:
        parameters *= dimension
    if parameters >= 1 << 63:
        raise cursor.damaged(f"its tensor {name[:80]} is announced with {parameters} weights")
    if kind not in TENSOR_TYPES:
        return TensorInfo(name, dimensions, f"unknown ({kind})", parameters, offset, None)
    type_name, block_weights, block_bytes = TENSOR_TYPES[kind]
    row = dimensions[0] if dimensions else 1
    if row % block_weights:
        raise cursor.damaged(f"its tensor {name[:80]} has rows of {row} weights, which {type_name} cannot hold")
    return TensorInfo(name, dimensions, type_name, parameters, offset, parameters // block_weights * block_bytes)


def _data_start(cursor: _Cursor, metadata: dict[str, Any]) -> int:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        raise cursor.damaged(f"general.alignment is {alignment}, and must be a power of two")
    return cursor.at + -cursor.at % alignment


def _recognised(start: bytes) -> str:
    """What the file is instead, where that can be seen, and what to do."""
    words = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "it is empty. Fetch it again."
    if words.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return "it begins like a web page. A login or error page came in its place: open the address in a browser to see which."
    if words.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer. Fetch the file itself, with `git lfs pull` or from the hub's address."
    if start[8:10] == b'{"':
        return (
            "it looks like a safetensors file. Name a GGUF file, or convert it with llama.cpp's convert_hf_to_gguf.py."
        )
    if words.startswith((b"{", b"[")):
        return "it begins like JSON, an answer of some server. Check the address."
    if start[:4] in (b"lmgg", b"fmgg", b"tjgg"):
        return "it is in a format from before GGUF, which llama.cpp reads no more. Fetch the model as GGUF."
    return f"it begins with {start[:4]!r} in place of {MAGIC!r}. Name a GGUF file."
