# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else would fit: the nearest settings, each of which was planned again, with all other models, before it is named."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts
from ansible_collections.hearth.llm.plugins.module_utils._fit.machine import Gpu, Ledger
from ansible_collections.hearth.llm.plugins.module_utils._fit.planner import VERDICTS, place, plan
from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import LlamaCpp, Vllm

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.machine import Machine
    from ansible_collections.hearth.llm.plugins.module_utils._fit.planner import Planned, Wanted

_STEP = 256
_SHORTEST_CONTEXT = 1024
# More hosts are none that a user has at hand.
_MOST_NODES = 16
# llama.cpp allows no more (LLAMA_MAX_SEQ).
_MOST_SLOTS = 256
# A host that lends more is none that a user has at hand.
_LARGEST_WORKER = 1024
# Bits of a weight, all tensors together, as llama.cpp measured them on Llama 3.1 8B (its tools/quantize/README.md).
_QUANTIZATIONS = {
    "Q8_0": 8.50,
    "Q6_K": 6.56,
    "Q5_K_M": 5.70,
    "Q4_K_M": 4.89,
    "IQ4_XS": 4.46,
    "Q3_K_M": 4.00,
    "IQ3_XXS": 3.25,
    "Q2_K": 3.16,
}


@dataclass(frozen=True)
class Remedy:
    """A change of one model's description, and what comes of it."""

    text: str
    verdict: str
    changes: dict[str, Any] = field(default_factory=dict)
    gpu_layers: int = 0


class Finder:
    def __init__(self, models: Sequence[Wanted], machine: Machine, seats: int, planned: Sequence[Planned]) -> None:
        self._models, self._machine, self._seats = models, machine, seats
        self._planned_before = planned
        self._ranks = {one.wanted.name: VERDICTS.index(one.verdict) for one in planned}

    def find(self, planned: Planned) -> list[Remedy]:
        """What makes a model fit that is refused, or all of it where only a part does."""
        settings = planned.wanted.settings
        found = (
            self._llama_cpp(planned.wanted, settings)
            if isinstance(settings, LlamaCpp)
            else self._vllm(planned.wanted, settings)
        )
        fewer = self._fewer_instances(planned.wanted)
        return [*fewer, *found, *self._fewer_loaded(planned.wanted), *self._smaller_weights(planned.wanted)]

    def most_slots(self, planned: Planned) -> int:
        """How many slots it could have in the room that the others leave it, without a layer less on GPUs."""
        low, high = planned.wanted.settings.slots, _MOST_SLOTS
        if planned.verdict == "refused":
            return 0
        rooms = self._rooms_beside(planned)
        while low < high:
            middle = (low + high + 1) // 2
            wanted = replace(planned.wanted, settings=replace(planned.wanted.settings, slots=middle))
            # All instances of a model have as many.
            there = place(wanted, self._machine, rooms) if wanted.of == 1 else self._worst(wanted)
            as_good = there.verdict == planned.verdict and there.gpu_layers >= planned.gpu_layers
            low, high = (middle, high) if as_good else (low, middle - 1)
        return low

    def _rooms_beside(self, planned: Planned) -> dict[int, int]:
        ledger = Ledger(self._machine, self._seats)
        for other in self._planned_before:
            if other is not planned and other.verdict != "refused":
                ledger.take(other.need, other.wanted.number, lasting=other.wanted.lasting)
        return ledger.rooms(planned.wanted.number, lasting=planned.wanted.lasting)

    def _worst(self, wanted: Wanted) -> Planned:
        """The instance of its model that has least with these settings."""
        mates = [one for one in self._verdicts(wanted, self._seats).values() if one.wanted.model == wanted.model]
        return max(mates, key=lambda one: (VERDICTS.index(one.verdict), -one.gpu_layers))

    def _llama_cpp(self, wanted: Wanted, settings: LlamaCpp) -> list[Remedy]:
        small = settings
        found: list[Remedy | None] = []
        if settings.flash and "f16" in (settings.key_type, settings.value_type) and not _is_encoder(wanted):
            small = replace(settings, key_type="q8_0", value_type="q8_0")
            found.append(self._try(wanted, small))
        found.append(self._most(wanted, settings.slots - 1, 1, lambda slots: replace(settings, slots=slots)))
        found.append(self._shorter(wanted, settings))
        if settings.gpu_layers:
            most = len(wanted.facts.layers) if isinstance(wanted.facts, Facts) else 0
            found.append(
                self._most(
                    wanted, min(settings.gpu_layers - 1, most), 0, lambda count: replace(settings, gpu_layers=count)
                )
            )
        if isinstance(wanted.facts, Facts) and wanted.facts.experts_used and self._machine.gpus:
            count = len(wanted.facts.layers)
            found.append(self._most(wanted, count - 1, 0, lambda kept: replace(settings, host_experts=count - kept)))
        if not any(found):
            found.append(self._most(wanted, small.slots - 1, 1, lambda slots: replace(small, slots=slots)))
        if not any(found):
            found.append(self._shorter(wanted, replace(small, slots=1)))
        if settings.spread:
            found.append(self._another_worker(wanted))
        return [remedy for remedy in found if remedy]

    def _another_worker(self, wanted: Wanted) -> Remedy | None:
        """The smallest host more over which it would fit, in whole GiB."""
        before = next(one for one in self._planned_before if one.wanted.name == wanted.name)
        rooms, place_of = self._rooms_beside(before), len(self._machine.gpus)
        more = replace(wanted, gpus=(*(wanted.gpus or ()), place_of))

        def planned(gibibytes: int) -> Planned:
            lent = Gpu(0, "RAM", gibibytes << 30, worker="another", is_card=False)
            machine = replace(self._machine, gpus=(*self._machine.gpus, lent))
            return place(more, machine, {**rooms, place_of: machine.capacity(place_of)})

        low, high = 1, _LARGEST_WORKER
        if VERDICTS.index(planned(high).verdict) >= VERDICTS.index(before.verdict):
            return None
        while low < high:
            middle = (low + high) // 2
            better = VERDICTS.index(planned(middle).verdict) < VERDICTS.index(before.verdict)
            low, high = (low, middle) if better else (middle + 1, high)
        found = planned(low)
        return Remedy(f"another worker with {low} GiB", found.verdict, {}, found.gpu_layers)

    def _vllm(self, wanted: Wanted, settings: Vllm) -> list[Remedy]:
        found = [
            self._try(wanted, replace(settings, cache_bytes=1)) if settings.cache_bytes > 1 else None,
            self._most(wanted, settings.slots - 1, 1, lambda slots: replace(settings, slots=slots)),
            self._shorter(wanted, settings),
            self._try(wanted, replace(settings, utilization=0.95)) if settings.utilization < 0.95 else None,
        ]
        more = [
            count for count in (2, 4, 8) if settings.gpus < count <= len(self._machine.gpus) and settings.nodes == 1
        ]
        found += [self._try(wanted, replace(settings, gpus=count * settings.pipeline)) for count in more]
        if settings.nodes > 1:
            found.append(self._more_nodes(wanted, settings))
        return [remedy for remedy in found if remedy]

    def _more_nodes(self, wanted: Wanted, settings: Vllm) -> Remedy | None:
        """The fewest hosts with such GPUs over which it would fit. Its layers are shared out among them."""
        here = settings.gpus // settings.nodes
        for count in range(settings.nodes + 1, _MOST_NODES + 1):
            after = self._planned(
                replace(wanted, settings=replace(settings, nodes=count, pipeline=count, gpus=count * here)), self._seats
            )
            if after:
                return Remedy(f"{count} nodes with {here} such GPU{'s' if here > 1 else ''} each", after.verdict)
        return None

    def _shorter(self, wanted: Wanted, settings: LlamaCpp | Vllm) -> Remedy | None:
        return self._most(
            wanted,
            (settings.context - 1) // _STEP,
            _SHORTEST_CONTEXT // _STEP,
            lambda steps: replace(settings, context=steps * _STEP),
        )

    def _most(self, wanted: Wanted, most: int, least: int, setting: Callable[[int], LlamaCpp | Vllm]) -> Remedy | None:
        """The largest number that does it: the more there is, the more it takes."""
        best = None
        while least <= most:
            middle = (least + most + 1) // 2
            remedy = self._try(wanted, setting(middle))
            best, least, most = (remedy, middle + 1, most) if remedy else (best, least, middle - 1)
        return best

    def _try(self, wanted: Wanted, settings: LlamaCpp | Vllm) -> Remedy | None:
        planned = self._planned(replace(wanted, settings=settings), self._seats)
        if planned is None:
            return None
        changes = _changes(wanted.settings, settings)
        return Remedy(_words(changes), planned.verdict, changes, planned.gpu_layers)

    def _fewer_loaded(self, wanted: Wanted) -> list[Remedy]:
        """Models that make room for each other."""
        sharing = sum(1 for model in self._models if not model.lasting)
        if wanted.lasting:
            return []
        for seats in range(min(self._seats or sharing, sharing) - 1, 0, -1):
            planned = self._planned(wanted, seats)
            if planned:
                text = f"llama_cpp_loaded_models_max: {seats}"
                return [Remedy(text, planned.verdict, {"llama_cpp_loaded_models_max": seats}, planned.gpu_layers)]
        return []

    def _fewer_instances(self, wanted: Wanted) -> list[Remedy]:
        """As many as there is room for. With the first one nothing is won by that."""
        for count in range(wanted.number - 1, 0, -1):
            models = [model for model in self._models if model.model != wanted.model or model.number <= count]
            after = plan(models, self._machine, self._seats)[0]
            worse = any(VERDICTS.index(one.verdict) > self._ranks[one.wanted.name] for one in after)
            mates = [VERDICTS.index(one.verdict) for one in after if one.wanted.model == wanted.model]
            if not worse and max(mates) < self._ranks[wanted.name]:
                return [Remedy(f"instances.max: {count}", VERDICTS[max(mates)], {"instances": {"max": count}})]
        return []

    def _smaller_weights(self, wanted: Wanted) -> list[Remedy]:
        facts = wanted.facts
        if not isinstance(facts, Facts) or not facts.parameters:
            return []
        bits = facts.weight_bytes * 8 / facts.parameters
        for name, fewer in _QUANTIZATIONS.items():
            planned = (
                self._planned(replace(wanted, facts=_scaled(facts, fewer / bits)), self._seats)
                if fewer < bits
                else None
            )
            if planned:
                size = facts.parameters * fewer / 8 / (1 << 30)
                return [
                    Remedy(
                        f"a file with the quantization {name}, about {size:.1f} GiB",
                        planned.verdict,
                        {},
                        planned.gpu_layers,
                    )
                ]
        return []

    def _planned(self, wanted: Wanted, seats: int) -> Planned | None:
        """The model as it would be planned, if that is better than before and nobody else pays for it."""
        after = self._verdicts(wanted, seats)
        ranks = {name: VERDICTS.index(one.verdict) for name, one in after.items()}
        worse = any(ranks[name] > rank for name, rank in self._ranks.items())
        return None if worse or ranks[wanted.name] >= self._ranks[wanted.name] else after[wanted.name]

    def _verdicts(self, wanted: Wanted, seats: int) -> dict[str, Planned]:
        models = [
            replace(model, facts=wanted.facts, settings=wanted.settings) if model.model == wanted.model else model
            for model in self._models
        ]
        return {one.wanted.name: one for one in plan(models, self._machine, seats)[0]}


def _scaled(facts: Facts, factor: float) -> Facts:
    layers = tuple(
        replace(layer, weight_bytes=int(layer.weight_bytes * factor), expert_bytes=int(layer.expert_bytes * factor))
        for layer in facts.layers
    )
    return replace(
        facts,
        layers=layers,
        input_bytes=int(facts.input_bytes * factor),
        output_bytes=int(facts.output_bytes * factor),
        tied_bytes=int(facts.tied_bytes * factor),
    )


def _is_encoder(wanted: Wanted) -> bool:
    return isinstance(wanted.facts, Facts) and wanted.facts.encoder


def _changes(before: LlamaCpp | Vllm, after: LlamaCpp | Vllm) -> dict[str, Any]:
    """In the words of the description."""
    changes: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if after.slots != before.slots:
        changes["slots"] = after.slots
    if after.context != before.context:
        changes["context_tokens"] = after.context
    if isinstance(before, LlamaCpp) and isinstance(after, LlamaCpp):
        if (after.key_type, after.value_type) != (before.key_type, before.value_type):
            options.update({"cache-type-k": after.key_type, "cache-type-v": after.value_type})
        if after.gpu_layers != before.gpu_layers:
            options["n-gpu-layers"] = after.gpu_layers
        if after.host_experts != before.host_experts:
            options["n-cpu-moe"] = after.host_experts
    if isinstance(before, Vllm) and isinstance(after, Vllm):
        if after.cache_bytes != before.cache_bytes:
            options["kv-cache-dtype"] = "fp8"
        if after.utilization != before.utilization:
            options["gpu-memory-utilization"] = after.utilization
        if after.gpus != before.gpus:
            options["tensor-parallel-size"] = after.gpus
    if options:
        changes["options"] = options
    return changes


def _words(changes: dict[str, Any]) -> str:
    flat = {**{key: value for key, value in changes.items() if key != "options"}, **changes.get("options", {})}
    return ", ".join(f"{key}: {value}" for key, value in flat.items())
