# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the described models a host serves. Every role's defaults ask here, so that what is planned, fetched and run are the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed, nearest
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import FIRST_REQUEST
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

Model = Mapping[str, Any]


def models_on(models: Any, host: str) -> dict[str, Model]:
    """Those that name no host, and those that name this one. Of those that are split over nodes each of these has a part."""
    return {
        name: model for name, model in records(models).items() if host in (_nodes(model) or _named(model) or [host])
    }


def served_on(models: Any, host: str) -> dict[str, Model]:
    """Those of them that answer at this host: of several nodes the first one does."""
    return {name: model for name, model in models_on(models, host).items() if host in (_nodes(model)[:1] or [host])}


def hosts_of(model: Model, engines: Sequence[str]) -> list[str]:
    """The hosts that serve a model, in the order of the inventory. A name that leads nowhere has its finding."""
    named = _nodes(model)[:1] or _named(model)
    return [host for host in engines if not named or host in named]


def findings(groups: _topology.Groups, models: Any) -> Iterator[str]:
    """What is wrong with the hosts that models name."""
    everyone = list(groups.get("all", ()))
    engines, gateways = (_topology.hosts_for(groups, purpose) for purpose in ("engines", "gateways"))
    for name, model in records(models).items():
        path = f"hearth_models.{name}"
        for key, named in (("hosts", _named(model)), ("nodes", _nodes(model))):
            yield from (f"{path}.{key}{sentence}" for sentence in _strangers(key, named, everyone, engines))
        if len(_nodes(model)) == 1:
            yield (
                f"{path}.nodes names one host alone, {_nodes(model)[0]}: name the others over whose GPUs it is split, or write hosts: [{_nodes(model)[0]}]."
            )
        elif _nodes(model) and not _topology.hosts_for(groups, "apart"):
            yield (
                f"{path}.nodes splits it over several hosts, and each host here serves for itself: name in {_topology.GATEWAYS} those that are doors, and in "
                f"{_topology.ENGINES} those that serve models, so that the hosts are connected."
            )
        serving = hosts_of(model, engines)
        if model.get("load") == FIRST_REQUEST and engines and serving != gateways:
            yield (
                f"{path}.load is {FIRST_REQUEST!r}, and {listed(serving) or 'no host'} would serve it: such a model is fetched and served by the host of the "
                f"only gateway ({listed(gateways)}). Name that in hosts, or write load: on_demand."
            )


def _strangers(key: str, named: Collection[str], everyone: Collection[str], engines: Collection[str]) -> Iterator[str]:
    for host in named:
        if host not in everyone:
            near = nearest(host, everyone)
            yield f" names {host!r}, and the inventory has no such host: {f'write {near}' if near else f'name one of {listed(engines)}'}."
        elif host not in engines:
            yield f" names {host!r}, which is no engine: name it in {_topology.ENGINES}, too, or take it out of {key}."


def _named(model: Model, key: str = "hosts") -> list[str]:
    """What is no list of names has its finding already; one name alone is a list of one."""
    named = model.get(key) or []
    if isinstance(named, str):
        named = [named]
    return [str(host) for host in named] if isinstance(named, (list, tuple)) else []


def _nodes(model: Model) -> list[str]:
    return _named(model, "nodes")
