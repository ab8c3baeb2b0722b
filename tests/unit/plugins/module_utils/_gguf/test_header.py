# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads real bytes, whole, cut off at every byte, and with every byte damaged."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import GgufError, SkippedArray, read_header
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import describe, part_names
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Tensor, ValueType, gguf_bytes

F32, Q4_K, UNKNOWN_TYPE = 0, 12, 99

ENTRIES = [
    Entry("general.architecture", ValueType.STRING, "qwen2moe"),
    Entry("general.name", ValueType.STRING, "Small Größe"),
    Entry("general.file_type", ValueType.UINT32, 15),
    Entry("qwen2moe.block_count", ValueType.UINT32, 2),
    Entry("qwen2moe.context_length", ValueType.UINT64, 131072),
    Entry("qwen2moe.embedding_length", ValueType.UINT16, 256),
    Entry("qwen2moe.attention.head_count", ValueType.INT32, 8),
    Entry("qwen2moe.attention.head_count_kv", ValueType.INT32, [2, 4]),
    Entry("qwen2moe.expert_count", ValueType.UINT32, 60),
    Entry("qwen2moe.expert_used_count", ValueType.UINT32, 4),
    Entry("qwen2moe.rope.freq_base", ValueType.FLOAT32, 1000000.0),
    Entry("qwen2moe.rope.scaling.type", ValueType.STRING, "yarn"),
    Entry("tokenizer.ggml.model", ValueType.STRING, "gpt2"),
    Entry("tokenizer.ggml.tokens", ValueType.STRING, ["a", "bc", ""] * 7),
    Entry("tokenizer.ggml.scores", ValueType.FLOAT32, [0.5] * 1100),
    Entry("tokenizer.chat_template", ValueType.STRING, "{{ messages }}"),
]
TENSORS = [
    Tensor("token_embd.weight", (256, 21), Q4_K, bytes(144 * 21)),
    Tensor("norm.weight", (256,), F32, bytes(1024)),
]


class Bytes:
    """A file in memory that counts what is read of it."""

    def __init__(self, data: bytes, *, size_known: bool = True) -> None:
        self.name, self.data = "model.gguf", data
        self.size = len(data) if size_known else None
        self.furthest = 0

    def read(self, offset: int, length: int) -> bytes:
        self.furthest = max(self.furthest, min(offset + length, len(self.data)))
        return self.data[offset : offset + length]


def described(data: bytes) -> dict[str, Any]:
    return describe([Bytes(data)])


def outcome(data: bytes) -> str:
    try:
        described(data)
    except GgufError as error:
        return str(error)
    return "read"


@pytest.mark.parametrize(("version", "byte_order", "name"), [(3, "<", "little"), (2, "<", "little"), (3, ">", "big")])
def test_a_header_tells_what_the_model_is(version: int, byte_order: str, name: str) -> None:
    model = described(gguf_bytes(ENTRIES, TENSORS, version=version, byte_order=byte_order))

    assert (model["gguf_version"], model["byte_order"], model["complete"]) == (version, name, True)
    assert (model["name"], model["architecture"], model["quantization"]) == ("Small Größe", "qwen2moe", "Q4_K_M")
    assert (model["parameters"], model["tensor_bytes"]) == (256 * 22, 144 * 21 + 1024)
    assert (model["dominant_tensor_type"], model["tensor_types"]) == ("Q4_K", {"Q4_K": 5376, "F32": 256})
    assert (model["heads"], model["kv_heads"], model["kv_heads_by_layer"]) == (8, 4, [2, 4])
    assert (model["key_length"], model["layers"], model["context_length"]) == (32, 2, 131072)
    assert (model["experts"], model["experts_used"], model["vocabulary_size"]) == (60, 4, 21)
    assert (model["rope"]["base"], model["rope"]["scaling"]) == (1000000.0, "yarn")
    assert (model["has_chat_template"], model["chat_template"]) == (True, "{{ messages }}")


def test_what_a_header_does_not_say_is_null_and_a_wrong_type_is_not_believed() -> None:
    entries = [
        Entry("general.architecture", ValueType.STRING, "llama"),
        Entry("llama.block_count", ValueType.STRING, "many"),
        Entry("general.file_type", ValueType.UINT32, 777),
    ]
    model = described(gguf_bytes(entries, [Tensor("x", (3,), UNKNOWN_TYPE, bytes(3))]))

    assert (model["layers"], model["context_length"], model["name"]) == (None, None, None)
    assert (model["quantization"], model["dominant_tensor_type"]) == ("unknown (777)", "unknown (99)")
    assert (model["tensor_bytes"], model["bits_per_weight"], model["complete"]) == (None, None, None)
    assert (model["has_chat_template"], model["split_count"]) == (False, 1)


def test_long_arrays_are_walked_over_and_the_weights_are_not_touched() -> None:
    data = gguf_bytes(ENTRIES, [Tensor("w", (1 << 18,), F32, bytes(1 << 20))])
    source = Bytes(data)

    assert read_header(source).metadata["tokenizer.ggml.scores"] == SkippedArray(1100)
    assert source.furthest < 300 << 10


@pytest.mark.parametrize("size_known", [True, False])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_a_header_that_is_cut_off_at_any_byte_is_reported_in_one_sentence(byte_order: str, size_known: bool) -> None:
    data = gguf_bytes(ENTRIES, TENSORS, byte_order=byte_order)
    length = read_header(Bytes(data)).length
    for end in range(length):
        with pytest.raises(GgufError, match=r"model\.gguf is .*\.$"):
            read_header(Bytes(data[:end], size_known=size_known))

    assert read_header(Bytes(data[:length], size_known=size_known)).length == length


def test_a_file_whose_weights_are_cut_off_is_read_and_not_called_complete() -> None:
    data = gguf_bytes(ENTRIES, TENSORS)

    assert described(data[:-1])["complete"] is False


def test_any_damaged_byte_gives_a_header_or_one_sentence() -> None:
    data = gguf_bytes(ENTRIES, TENSORS)
    for position in range(read_header(Bytes(data)).length):
        for value in (0x00, 0x7F, 0xFF):
            damaged = data[:position] + bytes([value]) + data[position + 1 :]
            assert outcome(damaged).startswith(("read", "model.gguf is "))


HUGE = struct.pack("<Q", (1 << 62) + 5)
START = b"GGUF" + struct.pack("<I", 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (START + HUGE + struct.pack("<Q", 0), "announces 4611686018427387909 tensors"),
        (START + struct.pack("<Q", 0) + HUGE, "announces 4611686018427387909 metadata entries"),
        (START + struct.pack("<QQ", 0, 1) + HUGE, "is announced with 4611686018427387909 bytes"),
        (START + struct.pack("<QQQ", 0, 1, 1) + b"k" + struct.pack("<II", 9, 8) + HUGE, "texts"),
        (START + struct.pack("<QQQ", 0, 1, 1) + b"k" + struct.pack("<II", 9, 4) + HUGE, "damaged"),
        (START + struct.pack("<QQQ", 0, 1, 1) + b"k" + struct.pack("<I", 77), "unknown value type 77"),
        (START + struct.pack("<QQQ", 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 9, 1), "unknown value type 9"),
        (START + struct.pack("<QQQ", 1, 0, 1) + b"t" + struct.pack("<I", 5), "has 5 dimensions"),
        (
            START + struct.pack("<QQQ", 1, 0, 1) + b"t" + struct.pack("<IQQIQ", 2, 1 << 40, 1 << 40, 0, 0),
            "announced with",
        ),
        (START + struct.pack("<QQQ", 1, 0, 1) + b"t" + struct.pack("<IQIQ", 1, 33, 2, 0), "Q4_0 cannot hold"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "is GGUF version 1"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "is GGUF version 9"),
        (b"\n<!DOCTYPE html><title>Sign in</title>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (struct.pack("<Q", 900) + b'{"a":', "safetensors"),
        (b'{"error": "no"}', "JSON"),
        (b"", "it is empty"),
        (b"PK\x03\x04", "it begins with b'PK"),
    ],
)
@pytest.mark.parametrize("size_known", [True, False])
def test_hostile_and_foreign_files_are_refused_in_one_sentence(data: bytes, words: str, size_known: bool) -> None:
    with pytest.raises(GgufError) as refused:
        read_header(Bytes(data, size_known=size_known))

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_alignment_that_is_not_a_power_of_two_is_refused() -> None:
    with pytest.raises(GgufError, match=r"general\.alignment is 24"):
        described(gguf_bytes([Entry("general.alignment", ValueType.UINT32, 24)], []))


def split_part(number: int, count: int, tensors: list[Tensor]) -> Bytes:
    split = [Entry("split.no", ValueType.UINT16, number), Entry("split.count", ValueType.UINT16, count)]
    return Bytes(gguf_bytes((ENTRIES if number == 0 else []) + split, tensors))


def test_the_numbers_of_a_model_in_parts_are_those_of_all_parts() -> None:
    model = describe([split_part(0, 2, TENSORS[:1]), split_part(1, 2, TENSORS[1:])])

    assert (model["parameters"], model["tensors"], model["split_count"]) == (256 * 22, 2, 2)


def test_a_part_under_a_wrong_name_is_noticed() -> None:
    with pytest.raises(GgufError, match=r"by its name part 2 of 2, and by its header part 1 of 2"):
        describe([split_part(0, 2, TENSORS), split_part(0, 2, TENSORS)])


def test_the_first_part_names_the_others() -> None:
    assert part_names("a/m-00001-of-00003.gguf") == [f"a/m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert part_names("a/m-00002-of-00003.gguf") == ["a/m-00002-of-00003.gguf"]
    assert part_names("a/m.gguf") == ["a/m.gguf"]
