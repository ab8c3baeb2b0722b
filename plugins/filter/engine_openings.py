# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of a host at which gateways on other hosts reach its engines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_openings
short_description: The ports of a host at which gateways on other hosts reach its engines
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - What the role P(hearth.llm.private_network#role) is told of the engines of a host, so that the firewall lets in the gateways, and nobody else.
positional: gateways
options:
  _input:
    description: The host, as P(hearth.llm.engine_hosts#lookup) gives it.
    type: dict
    required: true
  gateways:
    description: Names of the gateways.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show which ports of this host gateways need
  ansible.builtin.debug:
    msg: >-
      {{ query('hearth.llm.engine_hosts', inventory_hostname) | first
      | hearth.llm.engine_openings(groups | hearth.llm.hosts_for('gateways')) }}
"""

RETURN = r"""
_value:
  description: Dictionaries with C(port), C(hosts) and C(comment).
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

if TYPE_CHECKING:
    from collections.abc import Callable


def engine_openings(host: Mapping[str, Any], gateways: Sequence[str]) -> list[dict[str, Any]]:
    others = [gateway for gateway in gateways if gateway != host["name"]]
    openings: dict[int, dict[str, Any]] = {}
    for engine in engines().values() if others else ():
        served = {
            name: engine.instances(model)[1]
            for name, model in records(host["models"]).items()
            if model.get("engine", DEFAULT) == engine.name and host["runtime"] in engine.reached_apart
        }
        for port in engine.ports(served, int(host["ports"][engine.name])).values():
            openings[port] = {"port": port, "hosts": others, "comment": f"{engine.title} for the gateways"}
    return [openings[port] for port in sorted(openings)]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_openings": engine_openings}
