# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped models are what the pages and the inventory say, and both forms of hearth-mini are the same model."""

from __future__ import annotations

import hashlib
import json
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import Header, read_header
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import LocalFile
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, ValueType, gguf_bytes

ROOT = Path(__file__).resolve().parents[4]
MODELS = ROOT / "files/models"
FOLDER = MODELS / "hearth-mini"
GGUF = MODELS / "hearth-mini.gguf"
SIZES = {
    "hearth-mini.gguf": 4_000_000,
    "hearth-mini-embedding.gguf": 2_000_000,
    "hearth-mini/model.safetensors": 4_000_000,
}

# Where llama.cpp's names differ from those of transformers.
NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@pytest.mark.parametrize("name", SIZES)
def test_the_page_names_the_sum_of_each_file_and_none_is_large(name: str) -> None:
    content = (MODELS / name).read_bytes()

    assert len(content) < SIZES[name]
    assert hashlib.sha256(content).hexdigest() in (MODELS / "README.md").read_text()


def test_the_newcomers_inventory_serves_what_is_shipped() -> None:
    inventory = yaml.safe_load((ROOT / "inventories/local/group_vars/all.yml").read_text())
    model = inventory["hearth_models"]["hearth-mini"]

    assert model["source"] == "file://{{ lookup('hearth.llm.shipped', 'models/hearth-mini.gguf') }}"
    assert model["sha256"] == hashlib.sha256(GGUF.read_bytes()).hexdigest()
    assert model["context_tokens"] <= header().metadata["llama.context_length"]


def test_both_forms_hold_the_same_numbers() -> None:
    configuration = json.loads((FOLDER / "config.json").read_text())
    theirs = safetensors(FOLDER / "model.safetensors")
    ours = gguf_tensors()

    assert configuration["tie_word_embeddings"]
    assert {their_name(name) for name in ours} == set(theirs)
    for name, (dimensions, numbers) in ours.items():
        shape, expected = theirs[their_name(name)]
        assert tuple(reversed(shape)) == dimensions, name
        if ".attn_q." in name or ".attn_k." in name:
            expected = neighbours_for_halves(expected, configuration["head_dim"], shape[1])
        assert numbers == expected, name


def test_both_forms_have_the_same_tokenizer_and_template() -> None:
    description = json.loads((FOLDER / "tokenizer.json").read_text())["model"]
    settings = json.loads((FOLDER / "tokenizer_config.json").read_text())
    tokens: list[Any] = sorted(description["vocab"], key=description["vocab"].__getitem__)
    merges: list[Any] = [" ".join(pair) for pair in description["merges"]]
    content = GGUF.read_bytes()

    # The header's reader walks over long lists, so these are looked for as they are written.
    for key, texts in (("tokens", tokens), ("merges", merges)):
        written = gguf_bytes([Entry(f"tokenizer.ggml.{key}", ValueType.STRING, texts)], [])
        assert written[24:].rstrip(b"\0") in content
    assert header().metadata["tokenizer.chat_template"] == settings["chat_template"]
    assert tokens[header().metadata["tokenizer.ggml.eos_token_id"]] == settings["eos_token"] == "<|im_end|>"


def header() -> Header:
    with closing(LocalFile(str(GGUF))) as source:
        return read_header(source)


def gguf_tensors() -> dict[str, tuple[tuple[int, ...], tuple[float, ...]]]:
    content, described = GGUF.read_bytes(), header()
    form = {"F16": "e", "F32": "f"}
    found = {}
    for tensor in described.tensors:
        values = f"<{tensor.parameters}{form[tensor.type_name]}"
        found[tensor.name] = (
            tensor.dimensions,
            struct.unpack_from(values, content, described.data_start + tensor.offset),
        )
    return found


def safetensors(path: Path) -> dict[str, tuple[list[int], tuple[float, ...]]]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    described = json.loads(content[8 : 8 + length])
    described.pop("__metadata__")
    found = {}
    for name, tensor in described.items():
        assert tensor["dtype"] == "F16"
        start, end = tensor["data_offsets"]
        found[name] = (
            tensor["shape"],
            struct.unpack_from(f"<{(end - start) // 2}e", content, 8 + length + start),
        )
    return found


def their_name(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{NAMES[parts[2]]}.weight"
    return {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}[parts[0]] + ".weight"


def neighbours_for_halves(numbers: tuple[float, ...], head: int, width: int) -> tuple[float, ...]:
    """llama.cpp rotates neighbours where transformers rotates the halves of a head: row h + i becomes row 2 i (+ 1)."""
    rows = [numbers[start : start + width] for start in range(0, len(numbers), width)]
    moved: list[float] = []
    for first in range(0, len(rows), head):
        for pair in range(head // 2):
            moved += [*rows[first + pair], *rows[first + head // 2 + pair]]
    return tuple(moved)
