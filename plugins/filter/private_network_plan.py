# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's part of a private network is to be."""

from __future__ import annotations

DOCUMENTATION = r"""
name: private_network_plan
short_description: What a host's part of a private network is to be, and what keeps it out
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - The one plan of the role P(hearth.llm.private_network#role), from what M(hearth.llm.private_network_info) has found and what is described. It looks at
    nothing else, and knows no key that is secret.
  - A host's address follows from its name, so that no other host's coming or going changes it.
positional: given
options:
  _input:
    description: What M(hearth.llm.private_network_info) returned.
    type: dict
    required: true
  given:
    description:
      - The inputs of the role without C(private_network_), and C(host), which of C(hosts) this one is.
      - C(mode), C(hosts), C(range), C(interface), C(own_interface), C(mtu), C(keepalive_seconds) and C(open_ports).
      - C(public_keys), by the names of hosts, once they are made.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which address a host has
  ansible.builtin.debug:
    msg: "{{ (found | hearth.llm.private_network_plan(described)).address }}"
  vars:
    found:
      root: true
      systemd: true
      kernel: true
      tun: true
      wg: /usr/bin/wg
      wireguard_go: ""
      interfaces: {eth0: {addresses: [192.0.2.1/24], up: true}}
      uplink_mtu: 1500
      endpoints: {192.0.2.2: [192.0.2.2]}
      port_taken: false
      came_by: {client_address: 192.0.2.9, server_address: 192.0.2.1}
      running: {}
    described:
      host: a
      mode: wireguard
      hosts:
        - {name: a, mode: wireguard, endpoint: 192.0.2.1, endpoint_port: 51820, port: 51820, address: ""}
        - {name: b, mode: wireguard, endpoint: 192.0.2.2, endpoint_port: 51820, port: 51820, address: ""}
      range: 10.212.0.0/16
      interface: ""
      own_interface: hearth
      mtu: 0
      keepalive_seconds: 25
      open_ports: []
"""

RETURN = r"""
_value:
  description:
    - C(address) and C(interface) of the host in the network, C(openings) for a firewall, and C(findings), one sentence for each reason why it cannot be.
    - Where the network is made, also C(prefix_length), C(mtu), C(port), C(userspace) (whether a program stands in for the kernel), C(packages) that are
      missing, C(peers), who of them will C(come) and which keys C(go), and whether the interface has to C(restart), or to C(reload) its peers.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"private_network_plan": plan}
