# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which type each tensor gets in a quantization, after llama-quantize (llama_tensor_get_type in llama.cpp's src/llama-quant.cpp)."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._gguf.tables import TENSOR_TYPES

NUMBERS = {name: number for number, (name, _weights, _bytes) in TENSOR_TYPES.items()}
BLOCKS = {name: (weights, size) for name, weights, size in TENSOR_TYPES.values()}
# Where a row does not divide into blocks of 256.
_FALLBACK = {"Q3_K": "IQ4_NL", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}


def type_of(scheme: str, name: str, dimensions: tuple[int, ...], layers: int, *, tied: bool) -> str:
    if len(dimensions) == 1 or "ffn_gate_inp" in name or "ssm_a" in name or "ssm_d" in name or "conv1d" in name:
        return "F32"
    wanted = _wanted(scheme, name, layers, tied=tied)
    return wanted if dimensions[0] % BLOCKS[wanted][0] == 0 else _FALLBACK.get(wanted, "F16")


def _wanted(scheme: str, name: str, layers: int, *, tied: bool) -> str:
    if scheme == "MXFP4":
        return "MXFP4" if "_exps" in name else "Q8_0"
    if not scheme.endswith(("_S", "_M")):
        return scheme
    if name == "output.weight" or (name == "token_embd.weight" and tied):
        return "Q6_K"
    layer = int(name.split(".")[1]) if name.startswith("blk.") else layers
    more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
    delicate = "attn_v" in name or "ffn_down" in name
    if scheme == "Q4_K_M":
        return "Q6_K" if delicate and more else "Q4_K"
    if scheme == "Q4_K_S":
        return "Q5_K" if delicate and layer < layers // 8 else "Q4_K"
    if "attn_output" in name or delicate:
        return "Q5_K" if delicate and layer < 2 else "Q4_K"
    return "Q3_K"


def size_of(type_name: str, dimensions: tuple[int, ...]) -> int:
    weights, size = BLOCKS[type_name]
    total = 1
    for dimension in dimensions:
        total *= dimension
    return total // weights * size
