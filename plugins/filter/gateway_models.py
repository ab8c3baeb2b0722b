# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the gateway finds the engine of each served model."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_models
short_description: Where the gateway finds the engine of each served model
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and says where the roles of this collection let their engines listen.
positional: runtime, directory, hosts
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  runtime:
    description: How the engines are run.
    type: str
    choices: [docker, process, kubernetes]
    required: true
  directory:
    description: What everything of hearth on the host lies below.
    type: path
    required: true
  hosts:
    description:
      - The hosts that serve models, as P(hearth.llm.engine_hosts#lookup) gives them. Without any, the gateway's own host serves all of them.
      - A model of several hosts has the addresses of all of these.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show where the engines listen
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.gateway_models('docker', '/var/lib/hearth') }}"
"""

RETURN = r"""
_value:
  description: For each served name its C(addresses), each C(host:port) or C(unix@/path) of an instance; C(paths), what of the API its engine offers;
    C(says_usage), whether that says by itself at the end of a stream what it has counted; C(prefix), where its API begins, if it is not C(/v1); and
    C(aliases), C(default), C(load), C(task), C(slots), C(idle_unload_seconds), C(max_output_tokens) and C(answer_deadline_seconds) where the description
    has them, but C(slots) always where there are several instances. Where other hosts serve it, too, C(hosts) names the host of each address, and
    C(slots_of_hosts) has the slots of those that have others.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine, slots
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

Model = Mapping[str, Any]
HANDED_ON = (
    "aliases",
    "default",
    "load",
    "task",
    "slots",
    "idle_unload_seconds",
    "max_output_tokens",
    "answer_deadline_seconds",
)


def gateway_models(
    models: Mapping[str, Model], runtime: str, directory: str, hosts: Sequence[Mapping[str, Any]] = ()
) -> dict[str, dict[str, Any]]:
    """What an engine serves that is not there has its finding already, and is left away."""
    here = [{"name": "", "is_here": True, "models": models}]
    places = [_Place(host, runtime, directory) for host in sorted(hosts or here, key=lambda host: not host["is_here"])]
    names = sorted({name for place in places for name in place.models})
    return {name: _model(name, [place for place in places if name in place.models]) for name in names}


class _Place:
    """A host with the models that it serves, whose engines are known."""

    def __init__(self, host: Mapping[str, Any], runtime: str, directory: str) -> None:
        self.name, self._host = str(host["name"]), host
        self.runtime, self._directory = runtime, directory
        self.models: dict[str, Model] = {}
        self._engines: dict[str, Engine] = {}
        for name, model in records(host["models"]).items():
            engine = engines().get(model.get("engine", DEFAULT))
            if engine:
                self.models[name], self._engines[name] = model, engine

    def addresses(self, name: str) -> list[str]:
        engine, model = self.engine(name), self.models[name]
        # One that is split over nodes listens at its host's address, also for the gateway beside it.
        if self._host["is_here"] and not (model.get("nodes") and self._host.get("address")):
            return engine.addresses(name, model, self.runtime, self._directory)
        if not self._host["address"]:
            raise AnsibleFilterError(
                f"{self.name} serves {name}, and nobody knows its address in the private network: run it without --limit, or write its hearth_private_address."
            )
        # Those of an engine share its ports.
        most = {other: engine.instances(self.models[other])[1] for other in self.models if self.engine(other) is engine}
        ports = engine.ports(most, int(self._host["ports"][engine.name]))
        return engine.addresses_apart(name, model, ports, str(self._host["address"]), str(self._host["runtime"]))

    def engine(self, name: str) -> Engine:
        return self._engines[name]


def _model(name: str, places: Sequence[_Place]) -> dict[str, Any]:
    """As the first of its hosts describes it, which is the gateway's own where that serves it."""
    first = places[0]
    model, engine = first.models[name], first.engine(name)
    at = [(address, place) for place in places for address in place.addresses(name)]
    own = {place.name: slots(place.models[name]) for place in places}
    others = {host: count for host, count in own.items() if count != own[first.name]}
    return {
        "addresses": [address for address, _place in at],
        **({"hosts": [place.name for _address, place in at]} if first.name else {}),
        **({"slots_of_hosts": others} if others else {}),
        "paths": list(engine.paths(model.get("task", "chat"))),
        "says_usage": engine.says_usage,
        **({"prefix": engine.prefix} if engine.prefix != Engine.prefix else {}),
        # Among several servers a request is given to one that has a slot for it.
        **({"slots": slots(model)} if len(at) > 1 else {}),
        **{key: model[key] for key in HANDED_ON if key in model},
        # In a cluster one address stands for all instances, and beyond the first ones those come when these are busy.
        **({"slots": slots(model) * engine.instances(model)[1]} if first.runtime == "kubernetes" else {}),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_models": gateway_models}
