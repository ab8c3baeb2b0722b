# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many bytes llama-server takes, on each device: weights, cache and compute buffers.

Weights and cache are exact, after src/llama-model.cpp (load_tensors), src/llama-kv-cache.cpp, src/llama-kv-cache-iswa.cpp and
src/llama-memory-recurrent.cpp. The compute buffers follow from the largest tensors that live at the same time in the graph of one batch (the
feed-forward network's, or the attention scores' without flash attention, beside some of the model's width and the attention mask); the
numbers in front of them were measured on llama.cpp 0.7.0, tools/fit_figures renews the measurement.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Tuple

from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import CACHE_BYTES

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts
    from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import LlamaCpp

HOST = -1
_FLOAT, _HALF, _INDEX = 4, 2, 8
# Cells of a cache come in multiples of this.
_CELLS = 256
# Tensors of the model's width that live at the same time: where all layers lie, on a host that computes the first ones, and behind such a one.
_WIDTHS_WHOLE, _WIDTHS_HOST, _WIDTHS_BEHIND, _WIDTHS_BEHIND_EXPERTS = 4, 5, 2, 5
# With all layers on several GPUs, batches follow each other like in a pipeline, and each of four has its own inputs.
_COPIES = 4
_WIDTHS_FIRST, _WIDTHS_LAST, _WIDTHS_LAST_ENCODER, _WIDTHS_PIPELINE_FEED = 16, 11, 5, 10


@dataclass
class Part:
    """What lies on one device."""

    weights: int = 0
    cache: int = 0
    compute: int = 0
    overhead: int = 0
    layers: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.compute + self.overhead


@dataclass
class Need:
    """Parts by device; HOST is the host's memory. Only devices that are used."""

    parts: dict[int, Part] = field(default_factory=dict)

    def on(self, device: int) -> Part:
        return self.parts.setdefault(device, Part())

    def total(self, device: int) -> int:
        return self.parts[device].total if device in self.parts else 0


# A device, and the first and the end of the layers that lie on it. The output counts as the last layer.
Segment = Tuple[int, int, int]


def segments(layers: int, gpu_layers: int, split: Sequence[float]) -> list[Segment]:
    """On which device which layers lie; the first ones stay on the host (llama-model.cpp, load_tensors)."""
    used = min(gpu_layers, layers + 1) if sum(split) else 0
    start = layers + 1 - used
    found = [(HOST, 0, start)]
    for gpu in range(len(split)):
        # Before rounding up, what floating point adds to a whole number is taken away.
        end = layers + 1 - used + math.ceil(sum(split[: gpu + 1]) * used / sum(split) - 1e-9) if used else start
        found.append((gpu, start, end))
        start = end
    return [segment for segment in found if segment[1] < segment[2]]


class Demand:
    """What one model asks for, wherever its layers lie."""

    def __init__(self, facts: Facts, settings: LlamaCpp) -> None:
        self._facts, self._settings = facts, settings
        self._count = len(facts.layers)
        kept = [
            layer.expert_bytes if number < settings.host_experts else 0 for number, layer in enumerate(facts.layers)
        ]
        self._kept = _sums(kept)
        self._weights = _sums([layer.weight_bytes for layer in facts.layers])
        self._cache = _sums(_caches(facts, settings))
        self._masks = _mask_bytes(facts, settings)
        self._largest = _largest_bytes(facts, settings)

    def need(self, placed: Sequence[Segment]) -> Need:
        """What is needed where."""
        result = Need()
        host = result.on(HOST)
        host.weights += self._facts.input_bytes
        for device, first, end in placed:
            part, last = result.on(device), min(end, self._count)
            kept = self._kept[last] - self._kept[first]
            part.layers = last - first
            part.weights += self._weights[last] - self._weights[first] - kept
            host.weights += kept
            (part if self._settings.cache_on_gpu else host).cache += self._cache[last] - self._cache[first]
            if end > self._count:
                part.weights += self._facts.output_bytes + (self._facts.tied_bytes if device != HOST else 0)
        self._add_compute(result, placed)
        return result

    def _add_compute(self, result: Need, placed: Sequence[Segment]) -> None:
        facts, settings = self._facts, self._settings
        gpus = [device for device, _first, _end in placed if device != HOST]
        on_host = placed[0][0] == HOST
        pipeline = len(gpus) > 1 and not on_host and settings.cache_on_gpu and not settings.host_experts
        unit = facts.width * settings.batch * _FLOAT
        for gpu in gpus:
            part = result.on(gpu)
            if not part.layers:
                part.compute += _outputs(settings) * (facts.vocabulary + facts.width) * _FLOAT
            elif pipeline:
                widths = _pipeline_widths(facts, last=gpu == gpus[-1])
                part.compute += self._largest + widths * unit + _COPIES * self._masks
            else:
                part.compute += self._largest + _widths(facts, behind=on_host) * unit + self._masks
        host = result.on(HOST)
        if on_host:
            host.compute += self._largest + _WIDTHS_HOST * unit + self._masks
        elif pipeline:
            host.compute += _WIDTHS_PIPELINE_FEED * unit + _COPIES * self._masks
        else:
            host.compute += _WIDTHS_WHOLE * unit + self._masks


def cells(settings: LlamaCpp, window: int = 0) -> int:
    """How many tokens a layer's cache holds of each slot, or of all where they share it."""
    size = _padded(settings.context)
    if not window or settings.full_window:
        return size
    sharers = settings.slots if settings.unified else 1
    return _padded(min(size, window * sharers + settings.batch))


def _caches(facts: Facts, settings: LlamaCpp) -> list[int]:
    """Of each layer."""
    streams = 1 if settings.unified else settings.slots
    key, value = CACHE_BYTES[settings.key_type], CACHE_BYTES[settings.value_type]
    sizes = {window: cells(settings, window) * streams for window in {layer.window for layer in facts.layers}}
    return [
        int(sizes[layer.window] * (layer.key_width * key + layer.value_width * value))
        + layer.state_bytes * settings.slots
        for layer in facts.layers
    ]


def _sums(numbers: Sequence[int]) -> list[int]:
    """Before the first one, before the second one, and so on up to all."""
    return [0, *itertools.accumulate(numbers)]


def _widths(facts: Facts, *, behind: bool) -> int:
    if not behind:
        return _WIDTHS_WHOLE
    return _WIDTHS_BEHIND_EXPERTS if facts.experts_used or facts.inner_width else _WIDTHS_BEHIND


def _pipeline_widths(facts: Facts, *, last: bool) -> int:
    if not last:
        return _WIDTHS_FIRST
    return _WIDTHS_LAST_ENCODER if facts.encoder else _WIDTHS_LAST


def _outputs(settings: LlamaCpp) -> int:
    """Tokens of a batch whose result is wanted: the last one of each slot, or all where texts are embedded (llama.cpp's pull request 23861)."""
    return settings.batch if settings.embedding else settings.slots


def _mask_bytes(facts: Facts, settings: LlamaCpp) -> int:
    """Which tokens see which: one mask for each kind of cache; without flash attention in full numbers, and with the places of the values."""
    if facts.encoder:
        return settings.batch * settings.batch * (_HALF if settings.flash else _FLOAT)
    masks = 0
    for window in {layer.window for layer in facts.layers if layer.key_width}:
        values = max(layer.value_width for layer in facts.layers if layer.window == window)
        masks += cells(settings, window) * settings.batch * (_HALF if settings.flash else _FLOAT)
        masks += 0 if settings.flash else settings.batch * values * _INDEX
    return masks


def _largest_bytes(facts: Facts, settings: LlamaCpp) -> int:
    """The largest group of tensors that live at the same time: feed-forward, experts, recurrent layers, attention scores, or the words' scores."""
    unit = settings.batch * _FLOAT
    groups = [0 if facts.encoder else _outputs(settings) * facts.vocabulary * _FLOAT]
    groups.append(3 * facts.feed_forward * unit)
    groups.append(3 * facts.experts_used * facts.expert_feed_forward * unit)
    groups.append((2 * facts.experts_used * facts.width + facts.width) * unit if facts.experts_used else 0)
    state = max((layer.state_bytes for layer in facts.layers), default=0)
    groups.append(4 * facts.inner_width * unit + 2 * settings.slots * state)
    if not settings.flash:
        seen = settings.batch if facts.encoder else cells(settings) * (any(layer.key_width for layer in facts.layers))
        groups.append((seen * facts.heads + 2 * facts.query_width) * unit)
    return max(groups)


def _padded(tokens: int) -> int:
    return -(-tokens // _CELLS) * _CELLS
