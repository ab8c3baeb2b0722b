#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host would have an address that it shares with others, and who has it now."""

from __future__ import annotations

DOCUMENTATION = r"""
module: shared_address_info
short_description: Where a host would have an address that it shares with others, and who has it now
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says which networks a host is in, whether keepalived is there, and who says to the network that he has an address, as a host asks before it takes one (ARP).
  - Changes nothing. Who is not root cannot ask the network, and is told of nobody.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  address:
    description: The address, IPv4.
    type: str
    required: true
  interface:
    description: The interface that is to have it. Empty for the one in whose network it is.
    type: str
    default: ""
  hosts:
    description: Addresses and names of those it is shared with, looked up as the host knows them.
    type: list
    elements: str
    default: []
  unit:
    description: The unit of systemd that gives it to the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Look who has an address
  hearth.llm.shared_address_info:
    address: 192.0.2.10
    hosts: [192.0.2.12, gateway2.example.com]
    unit: hearth-shared-address.service
  register: found

- name: Show the hardware addresses of those who have it
  ansible.builtin.debug:
    msg: "{{ found.having['192.0.2.10'] | default([]) }}"
"""

RETURN = r"""
root:
  description: Whether the user is root.
  type: bool
  returned: always
  sample: true
systemd:
  description: Whether systemd runs this host.
  type: bool
  returned: always
  sample: true
keepalived:
  description: Path of C(keepalived), empty where it is not installed.
  type: str
  returned: always
  sample: /usr/sbin/keepalived
interface:
  description: The interface that is to have the address; empty where the host is in no network that has it.
  type: str
  returned: always
  sample: eth0
interfaces:
  description: Each interface of the host with its C(addresses) of IPv4, as C(address/length).
  type: dict
  returned: always
  sample: {eth0: {addresses: [192.0.2.11/24]}}
endpoints:
  description: The addresses of each of O(hosts), none where the host does not know the name.
  type: dict
  returned: always
  sample: {gateway2.example.com: [192.0.2.12]}
running:
  description: Whether O(unit) runs.
  type: bool
  returned: always
  sample: true
having:
  description:
    - The hardware addresses of those others in the network who say that they have O(address), and each address of O(hosts).
    - Empty where the network could not be asked.
  type: dict
  returned: always
  sample: {192.0.2.10: ["02:42:ac:1e:d5:0e"], 192.0.2.12: ["02:42:ac:1e:d5:0e"]}
"""

import contextlib
import os
from ipaddress import IPv4Address, ip_address, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._arp import Neighbours
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import asker
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._networks import addresses, links, resolve

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {
        "address": {"type": "str", "required": True},
        "interface": {"type": "str", "default": ""},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "unit": {"type": "str", "required": True},
    }


def interface_of(interfaces: Mapping[str, Mapping[str, Sequence[str]]], address: str) -> str:
    """The one in whose network an address is. Whoever has the address itself, for it is his turn, is in its network by another one of his own."""
    for name, interface in interfaces.items():
        own = [ip_interface(text) for text in interface["addresses"]]
        if any(IPv4Address(address) in one.network for one in own if str(one.ip) != address and not one.ip.is_loopback):
            return name
    return ""


def _look(module: HearthModule) -> dict[str, Any]:
    params, ask = module.params, asker(module.run_command)
    interfaces = {name: {"addresses": addresses(link)} for name, link in links(ask).items()}
    endpoints = {name: resolve(name) for name in params["hosts"]}
    interface = params["interface"] or interface_of(interfaces, params["address"])
    others = [one for found in endpoints.values() for one in found if ip_address(one).version == 4]
    having = {}
    if os.geteuid() == 0 and interface in interfaces:
        with contextlib.closing(Neighbours(interface)) as neighbours:
            having = neighbours.having([params["address"], *others])
    return {
        "root": os.geteuid() == 0,
        "systemd": Path("/run/systemd/system").is_dir(),
        "keepalived": module.get_bin_path("keepalived", opt_dirs=["/usr/sbin", "/sbin"]) or "",
        "interface": interface,
        "interfaces": interfaces,
        "endpoints": endpoints,
        "running": ask("systemctl", "is-active", params["unit"]).strip() == "active",
        "having": having,
    }


def main() -> None:
    run_module(_look, argument_spec())


if __name__ == "__main__":
    main()
