# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many bytes vLLM takes on each GPU, and how many sequences of full length its cache holds.

After vLLM's documentation (Optimization and tuning; Conserving memory; engine argument gpu-memory-utilization) and vllm/v1/worker/gpu_worker.py: it
takes its share of each GPU whatever the model needs, and what weights, the largest batch and CUDA graphs leave of that is the cache. A cache that does
not hold one sequence of the longest context is refused by vLLM at its start. The working memory here is an estimate; it was not measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST, Need

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.hub_facts import HubFacts
    from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import Vllm

_HALF, _FLOAT = 2, 4
# CUDA's context, communication between GPUs, and captured graphs.
_CONTEXT_BYTES = 400 << 20
_GRAPH_BYTES = 600 << 20


def token_bytes(facts: HubFacts, settings: Vllm) -> int:
    """What one token takes in the cache of each GPU: heads are shared out, but no GPU has less than one."""
    heads = -(-facts.kv_heads // (settings.gpus // settings.pipeline))
    return layers(facts, settings) * heads * facts.head_width * settings.cache_bytes


def layers(facts: HubFacts, settings: Vllm) -> int:
    """Of one part of the pipeline, the largest one."""
    return -(-facts.layers // settings.pipeline)


def working_bytes(facts: HubFacts, settings: Vllm) -> int:
    """The largest batch's activations and the words' scores, which are sampled from in full numbers."""
    activations = settings.batch * (6 * facts.width + 3 * facts.feed_forward // settings.gpus) * _HALF
    scores = 2 * settings.slots * facts.vocabulary * _FLOAT
    return activations + scores + _CONTEXT_BYTES + (0 if settings.eager else _GRAPH_BYTES)


def on_gpus(facts: HubFacts, settings: Vllm, totals: dict[int, int]) -> Need:
    """With its share of the memory of these GPUs, whose whole memory is given."""
    need = Need()
    for gpu, memory in totals.items():
        part = need.on(gpu)
        part.weights = facts.weight_bytes // settings.gpus
        part.compute = working_bytes(facts, settings)
        part.cache = max(0, int(memory * settings.utilization) - part.weights - part.compute)
        part.layers = layers(facts, settings)
    return need


def on_host(facts: HubFacts, settings: Vllm) -> Need:
    """vLLM's build for processors: weights, and a cache that is as large as the description asks for."""
    need = Need()
    part = need.on(HOST)
    part.weights = facts.weight_bytes // settings.nodes
    part.cache = token_bytes(facts, settings) * settings.context * settings.slots
    part.compute = working_bytes(facts, settings)
    part.layers = layers(facts, settings)
    return need


def sequences(facts: HubFacts, settings: Vllm, need: Need, gpus: Sequence[int]) -> float:
    """How many sequences of full length the smallest of the caches holds."""
    cache = min((need.on(gpu).cache for gpu in gpus), default=0)
    return cache / max(1, token_bytes(facts, settings) * settings.context)
