# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are split over workers of llama.cpp, by how the inventory describes all hosts: a worker serves one head, and is not on the host of that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed, nearest
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._placement import hosts_of, models_on
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

Model = Mapping[str, Any]


def workers_of(model: Model) -> list[str]:
    """The hosts over which a model is split. What is no list of names has its finding already."""
    named = model.get("rpc") or []
    return [str(host) for host in named] if isinstance(named, (list, tuple)) else []


def are_there(models: Any) -> bool:
    return any(map(workers_of, records(models).values()))


def findings(groups: _topology.Groups, models: Any) -> Iterator[str]:
    """What is wrong with the workers that models name, and with the hosts that would be their heads."""
    everyone = list(groups.get("all", ()))
    engines, workers = (_topology.hosts_for(groups, purpose) for purpose in ("engines", "rpc_workers"))
    for name, model in records(models).items():
        named, path = workers_of(model), f"hearth_models.{name}"
        yield from (f"{path}.rpc{sentence}" for sentence in _strangers(named, everyone, workers))
        heads = hosts_of(model, engines) if named else []
        if len(heads) > 1:
            yield f"{path} is split over {listed(named)}, and {listed(heads)} would each be its head, whom a worker serves one at a time: name one in hosts."
        for host in heads if len(heads) == 1 else ():
            if host in named:
                yield f"{path}.rpc names {host}, whose memory and GPUs the model has already, for its engine is there: take it out of rpc."


def of_others(host: str, models: Any, others: Mapping[str, Any]) -> Iterator[str]:
    """What another engine's own description splits over a worker that a model of this host has."""
    mine = {worker: name for name, model in models_on(models, host).items() for worker in workers_of(model)}
    for other, theirs in others.items():
        for name, model in models_on(theirs, other).items():
            for worker in workers_of(model):
                # One model that both would serve has its finding.
                if worker in mine and mine[worker] != name:
                    yield (
                        f"hearth_models.{mine[worker]} is split over {worker}, and so is hearth_models.{name} of {other}: a worker serves one head, so take it "
                        "out of one rpc."
                    )


def _strangers(named: Sequence[str], everyone: Collection[str], workers: Sequence[str]) -> Iterator[str]:
    for host in named:
        if host in workers:
            continue
        near = nearest(host, [worker for worker in workers if worker not in named])
        if host not in everyone:
            remedy = (
                f"write {near}"
                if near
                else f"name one of {listed(workers)}"
                if workers
                else f"name the host in {_topology.WORKERS}"
            )
            yield f" names {host!r}, and the inventory has no such host: {remedy}."
        else:
            yield f" names {host!r}, which is no worker: name it in {_topology.WORKERS}, too, or take it out of rpc."
