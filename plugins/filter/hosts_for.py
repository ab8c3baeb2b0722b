# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that a play is for, so that what a group means when nobody named it stands in one place."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_for
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: The hosts that a play is for
description:
  - For C(hosts) of a play. An inventory says in groups what a host is for; one that names none of them has one kind of host, which serves everything.
  - Hosts in C(hearth_clients), C(hearth_clusters) and C(hearth_windows) serve nothing, whatever other group they are in. A cluster serves by itself.
  - A group that does not exist is no warning, unlike in a pattern.
  - Nor are hosts in C(hearth_not_there), where a run puts the distributions that their Windows PC does not have (yet, or any more).
options:
  _input:
    description: The groups of the inventory, the variable C(groups).
    type: dict
    required: true
  purpose:
    description:
      - What they are for.
      - V(gateways) are C(hearth_gateways), V(engines) are C(hearth_engines), each by default every host that is no client, Windows PC or RPC worker.
      - V(frontends) are C(hearth_frontend_hosts), by default the gateways. V(servers) are these three together.
      - V(connected) are the servers and the RPC workers, whom a private network connects. V(apart) are the same where they do different things, so that they
        have to reach each other, and otherwise nobody.
      - V(rpc_workers), V(windows), V(clients) and V(clusters) are those in the groups of that name, and by default nobody. V(heads) are the engines where
        somebody lends memory to them over RPC, and otherwise nobody.
    type: str
    choices: [gateways, engines, frontends, servers, connected, apart, rpc_workers, heads, windows, clients, clusters]
    required: true
positional: purpose
"""

EXAMPLES = r"""
- name: Do something with all that serve models
  hosts: "{{ groups | hearth.llm.hosts_for('engines') }}"
  gather_facts: false
  tasks:
    - name: Say which they are
      ansible.builtin.debug:
        var: inventory_hostname
"""

RETURN = r"""
_value:
  description: The names of the hosts, in the order of the inventory; where there are none, a pattern that means nobody.
  type: list
  elements: str
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology

# A play has to have hosts, and a name that is not there would be warned of.
NOBODY = ["all", "!all"]


def hosts_for(groups: Mapping[str, Collection[str]], purpose: str) -> list[str]:
    if purpose not in _topology.PURPOSES:
        raise AnsibleFilterError(
            f"hosts_for was asked for {purpose!r}, which is no purpose of a host: write one of {', '.join(_topology.PURPOSES)}."
        )
    return _topology.hosts_for(groups, purpose) or NOBODY


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hosts_for": hosts_for}
