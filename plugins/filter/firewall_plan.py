# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's firewall is to be."""

from __future__ import annotations

DOCUMENTATION = r"""
name: firewall_plan
short_description: What a host's firewall is to be, and whether it would lock out those who are in
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - The one plan of the role P(hearth.llm.firewall#role), from what M(hearth.llm.firewall_info) has found and what is described. It looks at nothing else.
  - Looks whether SSH connections could be made again through the openings, by a new flow, and whether the tunnels, containers and programs of the host that
    carry them could be reached again, too. What is established goes on behind any firewall, until its first silence.
  - Fails with all that is wrong with the described ports at once.
positional: given
options:
  _input:
    description: What M(hearth.llm.firewall_info) returned.
    type: dict
    required: true
  given:
    description:
      - The inputs of the role without C(firewall_).
      - C(state), C(provider), C(ssh_port), C(ssh_sources), C(lan_sources), C(known_tunnels), C(unproven) and C(container_interfaces).
      - C(ports), dictionaries with C(port) (a number, or a range such as C(8000-8010)), C(protocol) (C(vrrp) has no port), C(sources), C(interface) and
        C(comment).
      - C(connection), how Ansible reaches the host, C(ansible_connection).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who may reach what
  ansible.builtin.debug:
    msg: "{{ (found | hearth.llm.firewall_plan(described)).openings }}"
  vars:
    found: {provider: nftables, connection: null, sessions: [], ssh_listeners: [], foreign_rules: [], merged_rules: [], unknown_protocols: [], uplinks: [eth0]}
    described:
      state: present
      provider: auto
      ports: [{port: 443, comment: gateway}]
      ssh_port: auto
      ssh_sources: [0.0.0.0/0, "::/0"]
      lan_sources: [192.168.0.0/16, "fd00::/8"]
      known_tunnels: []
      unproven: false
      container_interfaces: [docker0]
      connection: ssh
"""

RETURN = r"""
_value:
  description:
    - C(left_to_windows), why nothing is to be done in a distribution of WSL; empty on any other host.
    - C(provider), who guards the host itself; C(came_by_ssh), whether Ansible's next connection can prove anything, and C(needs_stranger), whether somebody
      on the host itself has to try instead.
    - C(ssh_ports), the ports of SSH; C(ssh_elsewhere), where SSH servers listen, if at none of these.
    - C(openings), in the order of ports, with C(first) and C(last) (V(0) where the protocol has none), C(protocol) and its C(number), C(sources) (C(ipv4)
      and C(ipv6), merged networks), C(interface) and C(comment), and C(kept_up), ports of tunnels that the host keeps up itself.
    - C(merged), the same in the words of C(ufw) and C(firewalld), and C(unwanted), what of ours stands there and is not wanted any more.
    - C(unknown_protocols), what of it the firewall in charge does not know.
    - C(lockouts), one sentence for each reason not to do it, with what to do; C(mistaken_uplinks), devices that lead to the network and would be taken for
      those of containers.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"firewall_plan": plan}
