# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the gateways are told that a host is about to be changed, to which they send requests."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sharing_gateways
short_description: How gateways are told that a host is about to be changed
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - What M(hearth.llm.gateway_host) takes, for each gateway, by how its host is described.
positional: everybody, host, timeout, models
options:
  _input:
    description: Names of the gateways.
    type: list
    elements: str
    required: true
  everybody:
    description: What is described of each host, C(hostvars).
    type: dict
    required: true
  host:
    description: The host that is about to be changed.
    type: str
    required: true
  timeout:
    description: How long its requests may take to end, seconds.
    type: int
    default: 120
  models:
    description: What the host serves, as it is described.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show where gateways look for the mark of this host
  ansible.builtin.debug:
    msg: "{{ groups | hearth.llm.hosts_for('gateways') | hearth.llm.sharing_gateways(hostvars, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: For each gateway C(name), C(directory), C(mark), C(metrics_url), C(timeout) and C(models), as the gateway calls them.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def sharing_gateways(
    names: Iterable[str],
    everybody: Mapping[str, Mapping[str, Any]],
    host: str,
    timeout: int = 120,
    models: Iterable[str] = (),
) -> list[dict[str, Any]]:
    of_host = {"mark": identifier(host), "timeout": int(timeout), "models": [identifier(name) for name in models]}
    return [{**_gateway(everybody[name]), "name": name, **of_host} for name in names]


def _gateway(said: Mapping[str, Any]) -> dict[str, str]:
    directory = said.get("gateway_directory", said.get("hearth_directory", "/var/lib/hearth"))
    address, port = said.get("gateway_metrics_address", "127.0.0.1"), said.get("gateway_metrics_port", 8404)
    return {
        "directory": str(said.get("gateway_leaving_directory", f"{directory}/run/leaving")),
        "metrics_url": f"http://{address}:{port}/metrics",
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"sharing_gateways": sharing_gateways}
