# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who goes where: each model on the GPUs as far as it fits there, and what is left of it in the host's memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._fit import vllm
from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts
from ansible_collections.hearth.llm.plugins.module_utils._fit.hub_facts import HubFacts
from ansible_collections.hearth.llm.plugins.module_utils._fit.layout import HOST_CUDA_PROCESS_BYTES, arrange
from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST, Need
from ansible_collections.hearth.llm.plugins.module_utils._fit.machine import Ledger
from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import LlamaCpp, Vllm

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.machine import Machine
    from ansible_collections.hearth.llm.plugins.module_utils._fit.sight import Sight

# From good to bad.
VERDICTS = ("fits", "fits_partly", "refused")


@dataclass(frozen=True)
class Wanted:
    """One instance of a model and how it is to be served."""

    # What this instance is called; the first as its model.
    name: str
    facts: Facts | HubFacts
    settings: LlamaCpp | Vllm
    on_demand: bool = False
    source: str = ""
    # GPUs that its engine is given, by their place in the list. None: all.
    gpus: tuple[int, ...] | None = None
    # Whether its engine does not start without them.
    needs_gpu: bool = False
    # What can be done where none of them is known.
    why_no_gpu: str = ""
    # With what it sees, where it does.
    sight: Sight | None = None
    # Which instance of its model it is, and of how many.
    number: int = 1
    of: int = 1

    @property
    def model(self) -> str:
        return self.name if self.number == 1 else self.name[: -len(f".{self.number}")]

    @property
    def lasting(self) -> bool:
        """vLLM is there all the time, and so is a model that is split over workers; others of llama.cpp may make room for each other."""
        return isinstance(self.settings, Vllm) or self.settings.spread


@dataclass(frozen=True)
class Planned:
    wanted: Wanted
    verdict: str
    need: Need
    # llama.cpp: layers on GPUs (with the output, one more than the model has), and how many on each.
    gpu_layers: int = 0
    split: tuple[float, ...] = ()
    # vLLM: how many sequences of full length its cache holds.
    sequences: float = 0.0
    # What is missing on each device that is too small.
    missing: Mapping[int, int] = field(default_factory=dict)
    # Where it may not be on all GPUs that its model is given.
    gpus: tuple[int, ...] = ()
    reason: str = ""


def plan(models: Sequence[Wanted], machine: Machine, seats: int) -> tuple[list[Planned], Ledger]:
    """Each model in its place, in the order in which they were given. `seats`: how many of llama.cpp may be loaded at the same time, 0 for all."""
    ledger = Ledger(machine, seats)
    done: dict[str, Planned] = {}
    for group in _first_come(models):
        # Whatever fits wholly goes first, so that a large model that does not leaves a small one its place.
        for good_enough in (VERDICTS[:1], VERDICTS):
            for wanted in group:
                if wanted.name in done:
                    continue
                planned = place(wanted, machine, ledger.rooms(wanted.number, lasting=wanted.lasting))
                if planned.verdict in good_enough:
                    done[wanted.name] = planned
                if planned.verdict in good_enough and planned.verdict != "refused":
                    ledger.take(planned.need, wanted.number, lasting=wanted.lasting)
    return [done[wanted.name] for wanted in models], ledger


def _first_come(models: Sequence[Wanted]) -> list[list[Wanted]]:
    """What always stays, then what is loaded at the start, then what is loaded on demand; in each group the largest first."""
    ordered = sorted(models, key=lambda wanted: -wanted.facts.weight_bytes)
    lasting = [wanted for wanted in ordered if wanted.lasting]
    changing = [wanted for wanted in ordered if not wanted.lasting]
    return [lasting, *([one for one in changing if one.on_demand == on_demand] for on_demand in (False, True))]


def place(wanted: Wanted, machine: Machine, rooms: Mapping[int, int]) -> Planned:
    """One model, with this much room on each device."""
    given = wanted.gpus
    rooms = {device: room for device, room in rooms.items() if given is None or device in (HOST, *given)}
    if wanted.needs_gpu and len(rooms) == 1:
        return Planned(
            wanted,
            "refused",
            Need(),
            reason=f"its engine is given GPUs, and none of them is known here{wanted.why_no_gpu}",
        )
    if isinstance(wanted.settings, Vllm) and isinstance(wanted.facts, HubFacts):
        return _place_vllm(wanted, wanted.facts, wanted.settings, machine, rooms)
    if isinstance(wanted.settings, LlamaCpp) and isinstance(wanted.facts, Facts):
        processors = [place for place, gpu in enumerate(machine.gpus) if not gpu.is_card]
        return _place_llama_cpp(wanted, wanted.facts, wanted.settings, rooms, processors)
    raise AssertionError("facts and settings of different engines")


def _place_llama_cpp(
    wanted: Wanted, facts: Facts, settings: LlamaCpp, rooms: Mapping[int, int], processors: Sequence[int]
) -> Planned:
    layout = arrange(facts, settings, rooms, wanted.sight, processors)
    missing = {device: need - rooms[device] for device, need in layout.totals().items() if need > rooms[device]}
    whole = layout.gpu_layers > len(facts.layers) or settings.gpu_layers is not None or len(rooms) == 1
    verdict = "refused" if missing else "fits" if whole else "fits_partly"
    return Planned(wanted, verdict, layout.need, layout.gpu_layers, layout.split, missing=missing)


def _place_vllm(wanted: Wanted, facts: HubFacts, settings: Vllm, machine: Machine, rooms: Mapping[int, int]) -> Planned:
    gpus = [device for device in rooms if device != HOST]
    if not gpus:
        need = vllm.on_host(facts, settings)
        missing = {HOST: need.total(HOST) - rooms[HOST]} if need.total(HOST) > rooms[HOST] else {}
        return Planned(wanted, "refused" if missing else "fits", need, sequences=settings.slots, missing=missing)
    if settings.gpus % settings.nodes:
        return Planned(
            wanted,
            "refused",
            Need(),
            reason=f"it asks for {settings.gpus} GPUs (tensor-parallel-size times pipeline-parallel-size) of {settings.nodes} hosts with as many each",
        )
    here = settings.gpus // settings.nodes
    if len(gpus) < here:
        where = " of this host" if settings.nodes > 1 else ""
        return Planned(wanted, "refused", Need(), reason=f"it asks for {here} GPUs{where}, and is given {len(gpus)}")
    # vLLM takes the first of those that it is given, whatever else is on them. Of several instances each is given those with the most room.
    chosen = sorted(gpus, key=lambda gpu: (-rooms[gpu] if wanted.of > 1 else 0, gpu))[:here]
    need = vllm.on_gpus(facts, settings, {gpu: machine.gpus[gpu].memory_bytes for gpu in sorted(chosen)})
    need.on(HOST).overhead = HOST_CUDA_PROCESS_BYTES
    missing = {device: part.total - rooms[device] for device, part in need.parts.items() if part.total > rooms[device]}
    full = vllm.sequences(facts, settings, need, chosen)
    reason = "" if full >= 1 else f"its cache holds {full:.2f} of one sequence of full length"
    verdict = "refused" if missing or full < 1 else "fits" if full >= settings.slots else "fits_partly"
    return Planned(
        wanted,
        verdict,
        need,
        gpu_layers=facts.layers,
        sequences=full,
        missing=missing,
        gpus=tuple(sorted(chosen)) if wanted.of > 1 else (),
        reason=reason,
    )
