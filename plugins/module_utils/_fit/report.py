# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a module returns it, and as a table that a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts
from ansible_collections.hearth.llm.plugins.module_utils._fit.hub_facts import HubFacts
from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST
from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import LAYERS, SPLITS, TENSOR, LlamaCpp, Vllm
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.machine import Ledger, Machine
    from ansible_collections.hearth.llm.plugins.module_utils._fit.planner import Planned
    from ansible_collections.hearth.llm.plugins.module_utils._fit.remedies import Remedy

COLUMNS = ("verdict", "model", "on", "layers", "weights", "cache", "compute", "other", "together")


def model(
    planned: Planned, machine: Machine, remedies: Sequence[Remedy], slots_that_fit: int, notes: Sequence[str]
) -> dict[str, Any]:
    """One model of the result."""
    wanted = planned.wanted
    facts, settings = wanted.facts, wanted.settings
    gpus = [f"nvidia.com/gpu={machine.gpus[gpu].number}" for gpu in planned.gpus]
    places = [
        {
            "device": device_name(device, machine),
            "layers": part.layers,
            "weight_bytes": part.weights,
            "cache_bytes": part.cache,
            "compute_bytes": part.compute,
            "overhead_bytes": part.overhead,
            "total_bytes": part.total,
            "missing_bytes": planned.missing.get(device, 0),
        }
        for device, part in _in_order(planned)
    ]
    return {
        "name": wanted.name,
        "model": wanted.model,
        "source": wanted.source,
        "engine": "llama_cpp" if isinstance(settings, LlamaCpp) else "vllm",
        "architecture": facts.architecture,
        "quantization": facts.quantization,
        "layers": len(facts.layers) if isinstance(facts, Facts) else facts.layers,
        "parameters": facts.parameters if isinstance(facts, Facts) else 0,
        "trained_context_tokens": facts.trained_context,
        "context_tokens": settings.context,
        "sees": wanted.sight is not None if isinstance(facts, Facts) else facts.sees,
        "slots": settings.slots,
        "verdict": planned.verdict,
        "reason": reason(planned, machine),
        "notes": list(notes),
        "places": places,
        "total_bytes": sum(part.total for part in planned.need.parts.values()),
        "gpu_layers": planned.gpu_layers,
        "full_sequences": round(planned.sequences, 2),
        "slots_that_fit": slots_that_fit,
        "settings": settings_of(planned),
        "gpus": gpus,
        "remedies": [
            {"text": one.text, "changes": one.changes, "verdict": one.verdict, "gpu_layers": one.gpu_layers}
            for one in remedies
        ],
    }


def unplanned(wanted: Mapping[str, Any], why: str, verdict: str, notes: Sequence[str]) -> dict[str, Any]:
    """A model that could not be looked at (what fetches and starts it will say more), or that no memory makes fit."""
    return {
        "name": wanted["name"],
        "model": wanted["name"],
        "source": "",
        "engine": wanted.get("engine") or "llama_cpp",
        "architecture": "",
        "quantization": "",
        "layers": 0,
        "parameters": 0,
        "trained_context_tokens": 0,
        "context_tokens": 0,
        "sees": False,
        "slots": 0,
        "verdict": verdict,
        "reason": why,
        "notes": list(notes),
        "places": [],
        "total_bytes": 0,
        "gpu_layers": 0,
        "full_sequences": 0.0,
        "slots_that_fit": 0,
        "settings": {},
        "gpus": [],
        "remedies": [],
    }


def settings_of(planned: Planned) -> dict[str, Any]:
    """The engine's options that put the model where it was planned, as far as the description left them open."""
    settings = planned.wanted.settings
    if isinstance(settings, Vllm):
        is_open = settings.nodes > 1 and TENSOR not in settings.named and planned.verdict != "refused"
        return {TENSOR: settings.gpus // settings.pipeline} if is_open else {}
    if not planned.split or planned.verdict == "refused":
        return {}
    options: dict[str, Any] = {}
    if LAYERS not in settings.named:
        options[LAYERS] = planned.gpu_layers
    if len(planned.split) > 1 and planned.gpu_layers and not set(SPLITS) & set(settings.named):
        used = [number for number, share in enumerate(planned.split) if share]
        if len(used) == 1:
            options.update({"split-mode": "none", "main-gpu": used[0]})
        else:
            options["tensor-split"] = ",".join(f"{share:g}" for share in planned.split)
    return options


def reason(planned: Planned, machine: Machine) -> str:
    """In words, why it does not fit, or not all of it."""
    lacking = [
        f"{as_size(size)} are missing on {device_name(device, machine)}" for device, size in planned.missing.items()
    ]
    if planned.reason:
        lacking.append(planned.reason)
    if planned.verdict == "fits_partly" and isinstance(planned.wanted.settings, LlamaCpp):
        where = "with its workers" if planned.wanted.settings.spread else "on GPUs"
        lacking.append(
            f"{planned.gpu_layers} of {_most_layers(planned)} layers are {where}, the others are computed by the processor"
        )
    lacking += _over_nodes(planned)
    if planned.verdict != "refused":
        lacking += _slowest_link(planned, machine)
    if planned.verdict == "fits_partly" and not isinstance(planned.wanted.settings, LlamaCpp):
        lacking.append(
            f"{planned.sequences:.1f} sequences of full length have room at the same time, not {planned.wanted.settings.slots}"
        )
    return "; ".join(lacking)


def _over_nodes(planned: Planned) -> list[str]:
    settings, facts = planned.wanted.settings, planned.wanted.facts
    if not isinstance(settings, Vllm) or not isinstance(facts, HubFacts) or settings.nodes == 1:
        return []
    here = settings.gpus // settings.nodes
    each = as_size(facts.weight_bytes // settings.nodes)
    what = f"{here} GPU{'s' if here > 1 else ''}"
    return [
        f"{as_size(facts.weight_bytes)} of weights are split over {settings.nodes} hosts with {what} each, {each} on each host"
    ]


def _slowest_link(planned: Planned, machine: Machine) -> list[str]:
    """Weights go over it with each start of the head, as far as the worker has not cached them, and each token's numbers from host to host."""
    lent = {
        machine.gpus[device].worker: (machine.gpus[device].link_mbits, device)
        for device, part in planned.need.parts.items()
        if device != HOST and machine.gpus[device].worker and part.layers
    }
    known = {worker: one for worker, one in lent.items() if one[0]}
    if not known:
        return []
    worker, (mbits, _device) = min(known.items(), key=lambda item: item[1][0])
    sent = sum(
        part.weights
        for device, part in planned.need.parts.items()
        if device != HOST and machine.gpus[device].worker == worker
    )
    seconds = sent * 8 / (mbits * 1_000_000)
    return [
        f"its slowest link is that to {worker}, {mbits} Mbit/s, over which {as_size(sent)} of weights go in {seconds:.0f} s when they are sent first"
    ]


def table(models: Sequence[Mapping[str, Any]], machine: Machine, ledger: Ledger, growth: str) -> str:
    rows = [COLUMNS]
    for one in models:
        first = (one["verdict"], one["name"])
        for place in one["places"] or [None]:
            rows.append((*first, *_cells(place)))
            first = ("", "")
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines += [
        f"{device_name(device, machine)}: {as_size(ledger.used(device))} of {as_size(machine.capacity(device))} planned"
        for device in machine.devices
    ]
    lines += [f"{growth}."] if growth else []
    lines += [f"{one['name']}: {note}." for one in models for note in one["notes"]]
    for one in models:
        if one["reason"]:
            lines.append(f"{one['name']}: {one['reason'].rstrip('.')}.")
        if one["remedies"]:
            would = "is refused; it would do with" if one["verdict"] == "refused" else "would do better with"
            lines.append(f"{one['name']} {would} " + ", or ".join(map(_remedy, one["remedies"])) + ".")
    return "\n".join(lines)


def _cells(place: Mapping[str, Any] | None) -> tuple[str, ...]:
    if place is None:
        return ("",) * (len(COLUMNS) - 2)
    return (
        place["device"],
        str(place["layers"]),
        as_size(place["weight_bytes"]),
        as_size(place["cache_bytes"]),
        as_size(place["compute_bytes"]),
        as_size(place["overhead_bytes"]),
        as_size(place["total_bytes"]),
    )


def _remedy(one: Mapping[str, Any]) -> str:
    return f"{one['text']} ({one['verdict'].replace('_', ' ')})"


def _most_layers(planned: Planned) -> int:
    """The output counts as one more, as llama.cpp counts."""
    return (len(planned.wanted.facts.layers) if isinstance(planned.wanted.facts, Facts) else 0) + 1


def _in_order(planned: Planned) -> list[Any]:
    """GPUs first, and of them only those on which there is something."""
    parts = planned.need.parts.items()
    return sorted((item for item in parts if item[1].total), key=lambda item: (item[0] == HOST, item[0]))


def device_name(device: int, machine: Machine) -> str:
    if device == HOST:
        return "RAM"
    gpu = machine.gpus[device]
    if gpu.worker:
        return f"{gpu.name if not gpu.is_card else f'GPU {gpu.index}'} of {gpu.worker}"
    return f"GPU {gpu.number}"
