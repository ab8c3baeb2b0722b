# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines, or the frontends, that the collection has."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rooms
short_description: The engines, or the frontends, that the collection has
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Each has a file in the collection and a role of its name. Playbooks go through them, so that none of them is named there.
  - Says of each where its services listen on the host, by the inputs of its role as they are set for the host at hand, or else by their defaults.
options:
  _terms:
    description: V(engines) or V(frontends).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what could serve models
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.rooms', 'engines') | map(attribute='title') }}"
"""

RETURN = r"""
_raw:
  description: >-
    C(name), which is the role's, too; C(title); C(runtimes); C(described), whether the description has models, or a page, of it; C(models), what it
    serves, of an engine, and C(instances), how many it has of each at most;
    C(names_users), whether a frontend says for whom it asks, and C(people), how many use it; C(kept), what it keeps on the host; C(address), C(port), and
    C(port_variable), which names the input of the role.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.filter.served_by import served_by
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._placement import models_on

LOOPBACK = "127.0.0.1"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        self._variables = variables or {}
        kinds = {"engines": self._engines, "frontends": self._frontends}
        for term in terms:
            if term not in kinds:
                raise AnsibleLookupError(f"There are no rooms of the kind {term!r}: use one of {', '.join(kinds)}.")
        return [room for term in terms for room in kinds[term]()]

    def _engines(self) -> list[dict[str, Any]]:
        host, groups = str(self._variables.get("inventory_hostname", "")), self._variables.get("groups") or {}
        # A gateway that is no engine serves none, though it knows of all.
        serves = host not in groups.get("all", ()) or host in _topology.hosts_for(groups, "engines")
        models = models_on(self._said("hearth_models", {}), host) if serves else {}
        rooms = []
        for name, engine in engines().items():
            own = self._said(f"{name}_models", served_by(models, name))
            # Of a model that another host serves it has a part, which has no port.
            served = [model for model in own if not model.get("nodes") or model["nodes"][0] == host]
            rooms.append(
                {
                    **self._room(engine, engine.port_variable or f"{name}_port"),
                    "described": bool(own),
                    "models": [model["name"] for model in served],
                    "instances": {model["name"]: engine.instances(model)[1] for model in served},
                    "apart": [model["name"] for model in served if engine.is_apart(model)],
                }
            )
        return rooms

    def _frontends(self) -> list[dict[str, Any]]:
        described = self._said("hearth_frontends", {})
        people = max(1, len(_description.users(self._said("hearth_users", []))))
        return [
            {
                **self._room(frontend, f"{name}_port"),
                "described": name in described,
                "names_users": bool(frontend.user_header),
                "people": people,
                "kept": frontend.kept.described(name, frontend.title) if frontend.kept else None,
            }
            for name, frontend in frontends().items()
        ]

    def _room(self, kind: Any, port_variable: str) -> dict[str, Any]:
        return {
            "name": kind.name,
            "title": kind.title,
            "runtimes": list(kind.runtimes),
            "address": self._said(f"{kind.name}_address", LOOPBACK),
            "port": int(self._said(port_variable, kind.port)),
            "port_variable": port_variable,
        }

    def _said(self, name: str, default: Any) -> Any:
        if name not in self._variables or self._variables[name] is None:
            return default
        said = self._templar.template(self._variables[name])
        return default if said is None else said
