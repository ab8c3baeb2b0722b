# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway has to do with the address that it shares."""

from __future__ import annotations

DOCUMENTATION = r"""
name: shared_address_plan
short_description: What a gateway has to do with the address that it shares, and why it cannot
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - The one plan of the role P(hearth.llm.shared_address#role), from what M(hearth.llm.shared_address_info) has found and what is described. It looks at
    nothing else.
positional: given
options:
  _input:
    description: What M(hearth.llm.shared_address_info) returned.
    type: dict
    required: true
  given:
    description:
      - C(host), which of C(hosts) this one is; C(hosts), each with C(name) and C(address).
      - C(address), the shared one with the length of its network, and C(router_id), the number of the virtual router (V(0) for the last number of the
        address).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show whom a gateway would hear
  ansible.builtin.debug:
    msg: "{{ (found | hearth.llm.shared_address_plan(described)).peers }}"
  vars:
    found:
      root: true
      systemd: true
      keepalived: /usr/sbin/keepalived
      interface: eth0
      interfaces: {eth0: {addresses: [192.0.2.11/24]}}
      endpoints: {192.0.2.11: [192.0.2.11], 192.0.2.12: [192.0.2.12]}
      running: false
      having: {}
    described:
      host: gateway1
      address: 192.0.2.10/24
      router_id: 0
      hosts:
        - {name: gateway1, address: 192.0.2.11}
        - {name: gateway2, address: 192.0.2.12}
"""

RETURN = r"""
_value:
  description:
    - C(address) and C(with_length) (the shared one), C(interface), C(own_address) (of this host), C(peers) (C(name) and C(address)), C(router_id),
      C(packages) that are missing, C(openings) for a firewall, and C(findings), one sentence for each reason why it cannot be.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._shared_address.plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"shared_address_plan": plan}
