# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a GGUF header needs memory: weights by layer, what each layer keeps of a token, and what sizes the compute buffers.

After llama.cpp: src/llama-hparams.cpp (n_embd_k_gqa, n_embd_v_gqa, n_embd_r, n_embd_s, set_swa_pattern) and what each architecture reads in
src/models/. What is unknown counts as full attention, which takes the most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import GgufError, read_header
from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import PROJECTOR, kind
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import describe_headers

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import TensorInfo
    from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import ByteSource

_LAYER = re.compile(r"blk\.(\d+)\.")
# Every n-th layer attends to everything, the others to a window, where the header does not say it itself.
_WINDOW_PATTERNS = {
    "cohere2": 4,
    "exaone4": 4,
    "gemma-embedding": 6,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "gpt-oss": 2,
    "olmo2": 4,
}
# These attend, and keep a state, in every layer.
_ATTENDING_AND_RECURRENT = ("falcon-h1",)
_FLOAT_BYTES = 4
# LLAMA_POOLING_TYPE_RANK
_POOLING_RANK = 4


@dataclass(frozen=True)
class Layer:
    weight_bytes: int = 0
    # The part of it that belongs to experts.
    expert_bytes: int = 0
    # Numbers that the cache holds of each token.
    key_width: int = 0
    value_width: int = 0
    # Tokens that it looks back at; 0: all.
    window: int = 0
    # What it keeps of each slot, however long that is.
    state_bytes: int = 0


@dataclass(frozen=True)
class Facts:
    architecture: str
    quantization: str
    parameters: int
    layers: tuple[Layer, ...]
    # Embeddings of tokens and the like, which always lie in the host's memory.
    input_bytes: int
    # What makes words of the last layer.
    output_bytes: int
    # Embeddings that make words as well: on a GPU they lie a second time.
    tied_bytes: int
    width: int
    vocabulary: int
    heads: int
    query_width: int
    feed_forward: int
    expert_feed_forward: int
    experts_used: int
    # Width of the recurrent layers, with what is convolved.
    inner_width: int
    # Reads texts and writes none, without a cache.
    encoder: bool
    # Gives a question and a document one score.
    ranks: bool
    trained_context: int

    @property
    def weight_bytes(self) -> int:
        """All weights once, as they lie in the file."""
        return self.input_bytes + sum(layer.weight_bytes for layer in self.layers) + self.output_bytes


def read(sources: Sequence[ByteSource]) -> Facts:
    """The facts of the model whose parts these are, the first one first."""
    headers = [read_header(source) for source in sources]
    metadata = headers[0].metadata
    if kind(metadata) == PROJECTOR:
        raise InputError(
            f"{sources[0].name} is a projector, with which a model sees, and no model. Name the model's own file as well."
        )
    described = describe_headers(sources, headers)
    architecture = described["architecture"] or ""
    count = described["layers"] or 0
    tensors = [tensor for header in headers for tensor in header.tensors]
    if not count or not tensors:
        raise GgufError(
            f"{sources[0].name} holds no language model: its header says {architecture or 'no'} architecture and {count} layers. Name the model's own file."
        )
    if described["complete"] is False:
        raise InputError(
            f"{sources[-1].name} ends before its weights do: it is a piece of a file that was cut, or its download broke off. "
            "Join its pieces, or fetch it again."
        )
    own = _Own(metadata, architecture, count)
    weights, experts, inputs, outputs = _weights(tensors, count, sources[0].name)
    tied = not any(tensor.name == "output.weight" for tensor in tensors)
    encoder = own.number("attention.causal", 1) == 0
    embeddings = next((tensor.size or 0 for tensor in tensors if tensor.name == "token_embd.weight"), 0)
    attention = [_layer(own, layer) for layer in range(count)]
    layers = tuple(
        Layer(weights[number], experts[number], *(attention[number] if not encoder else (0, 0, 0, 0)))
        for number in range(count)
    )
    return Facts(
        architecture=architecture,
        quantization=described["quantization"] or "",
        parameters=described["parameters"],
        layers=layers,
        input_bytes=inputs,
        output_bytes=outputs,
        tied_bytes=embeddings if tied and not encoder else 0,
        width=described["embedding_length"] or 0,
        vocabulary=_vocabulary(described, tensors),
        heads=described["heads"] or 0,
        query_width=(described["heads"] or 0)
        * (own.number("attention.key_length_mla") or described["key_length"] or 0),
        feed_forward=_rows(tensors, ".ffn_down.weight"),
        expert_feed_forward=_rows(tensors, ".ffn_down_exps.weight"),
        experts_used=described["experts_used"],
        inner_width=own.number("ssm.inner_size") + 2 * own.number("ssm.group_count") * own.number("ssm.state_size"),
        encoder=encoder,
        ranks=own.number("pooling_type") == _POOLING_RANK,
        trained_context=described["context_length"] or 0,
    )


class _Own:
    """Metadata below the architecture's own prefix, one number or one for each layer."""

    def __init__(self, metadata: dict[str, Any], architecture: str, layers: int) -> None:
        self._metadata, self._prefix, self.architecture, self.layers = metadata, architecture, architecture, layers

    def get(self, key: str) -> Any:
        return self._metadata.get(f"{self._prefix}.{key}")

    def number(self, key: str, default: int = 0, layer: int | None = None) -> int:
        value = self.get(key)
        if isinstance(value, list):
            value = value[layer] if layer is not None and layer < len(value) else max(value, default=default)
        return int(value) if isinstance(value, (int, float)) else default


def _weights(tensors: Sequence[TensorInfo], count: int, name: str) -> tuple[list[int], list[int], int, int]:
    """Bytes of each layer and of its experts, of what comes before the layers, and of what comes after them."""
    layers, experts, inputs, outputs = [0] * count, [0] * count, 0, 0
    for tensor in tensors:
        if tensor.size is None:
            raise GgufError(
                f"{name}: the tensor {tensor.name} has the type {tensor.type_name}, whose size is not known here. Update hearth.llm, or choose another file."
            )
        found = _LAYER.match(tensor.name)
        if found:
            number = min(int(found.group(1)), count - 1)
            layers[number] += tensor.size
            experts[number] += tensor.size if "_exps." in tensor.name else 0
        elif tensor.name.startswith(("output", "cls", "rope_")):
            outputs += tensor.size
        else:
            inputs += tensor.size
    return layers, experts, inputs, outputs


def _layer(own: _Own, layer: int) -> tuple[int, int, int, int]:
    """Key width, value width, window and state of one layer."""
    state = _state_bytes(own, layer)
    heads = own.number("attention.head_count_kv", own.number("attention.head_count"), layer)
    if (state and own.architecture not in _ATTENDING_AND_RECURRENT) or not heads or _shares_cache(own, layer):
        return 0, 0, 0, state
    window = own.number("attention.sliding_window", 0, layer) if _has_window(own, layer) else 0
    suffix = "_swa" if window and own.get("attention.key_length_swa") else ""
    default = own.number("embedding_length") // max(1, own.number("attention.head_count"))
    key = own.number(f"attention.key_length{suffix}", default)
    value = own.number(f"attention.value_length{suffix}", default)
    if own.get("attention.key_length_mla"):
        # Multi-head latent attention keeps one compressed vector, of which keys and values are both made.
        value = 0
    return key * heads, value * heads, window, state


def _shares_cache(own: _Own, layer: int) -> bool:
    return layer >= own.layers - own.number("attention.shared_kv_layers")


def _has_window(own: _Own, layer: int) -> bool:
    pattern = own.get("attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return bool(pattern[layer]) if layer < len(pattern) else False
    every = pattern if isinstance(pattern, int) else _WINDOW_PATTERNS.get(own.architecture, 1)
    return every > 1 and layer % every < every - 1


def _state_bytes(own: _Own, layer: int) -> int:
    if not _is_recurrent(own, layer):
        return 0
    width, head = own.number("embedding_length"), own.number("wkv.head_size")
    if head:
        return (own.number("token_shift_count", 2) * width + width * head) * _FLOAT_BYTES
    if own.get("shortconv.l_cache"):
        return width * (own.number("shortconv.l_cache") - 1) * _FLOAT_BYTES
    inner, state = own.number("ssm.inner_size"), own.number("ssm.state_size")
    convolved = inner + 2 * own.number("ssm.group_count") * state
    return ((own.number("ssm.conv_kernel") - 1) * convolved + state * inner) * _FLOAT_BYTES


def _is_recurrent(own: _Own, layer: int) -> bool:
    if not any(own.get(key) for key in ("ssm.inner_size", "wkv.head_size", "shortconv.l_cache")):
        return False
    if own.architecture in _ATTENDING_AND_RECURRENT:
        return True
    interval = own.number("full_attention_interval")
    if interval:
        return (layer + 1) % interval != 0
    if own.architecture.startswith("nemotron_h") and own.number("feed_forward_length", 0, layer):
        return False
    return not own.number("attention.head_count_kv", 0, layer)


def _rows(tensors: Sequence[TensorInfo], name: str) -> int:
    return max((tensor.dimensions[0] for tensor in tensors if tensor.name.endswith(name)), default=0)


def _vocabulary(described: dict[str, Any], tensors: Sequence[TensorInfo]) -> int:
    """The output's own width: some models have more rows than words."""
    rows = [tensor.dimensions[-1] for tensor in tensors if tensor.name in ("output.weight", "token_embd.weight")]
    return max([*rows, described["vocabulary_size"] or 0])
