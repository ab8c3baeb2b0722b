# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of the hosts of a private network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: private_network_hosts
short_description: What the inventory says of the hosts of a private network
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - For C(private_network_hosts) of the role P(hearth.llm.private_network#role). Reads C(hearth_private_network), C(hearth_private_endpoint),
    C(hearth_private_network_port), C(hearth_private_address) and C(ansible_host) of each host, so that those which a run leaves out stay peers of the others.
positional: everybody, default_mode
options:
  _input:
    description: The names of the hosts.
    type: list
    elements: str
    required: true
  everybody:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  default_mode:
    description: What C(hearth_private_network) is where a host does not say it.
    type: str
    default: none
"""

EXAMPLES = r"""
- name: Show where hosts are reached
  ansible.builtin.debug:
    msg: "{{ groups['all'] | hearth.llm.private_network_hosts(hostvars) | items2dict('name', 'endpoint') }}"
"""

RETURN = r"""
_value:
  description: Each host with C(name), C(mode), C(endpoint), C(endpoint_port), C(port) and C(address), which is empty where it is derived.
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.hosts import hosts


def private_network_hosts(
    names: Iterable[str], everybody: Mapping[str, Mapping[str, Any]], default_mode: str = "none"
) -> list[dict[str, Any]]:
    return hosts(names, everybody, default_mode)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"private_network_hosts": private_network_hosts}
