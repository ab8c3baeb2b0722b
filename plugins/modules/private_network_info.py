#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has for a private network, and what it knows of its peers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: private_network_info
short_description: What a host has for a private network, and what of it runs
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says whether the kernel of a host has WireGuard, which of its programs are there, which networks the host is in, and what an interface of WireGuard was
    told.
  - Never asks for a key that is secret. Changes nothing.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  interface:
    description: The interface of WireGuard that is looked at.
    type: str
    required: true
  port:
    description: The UDP port that it is to have. Empty asks for none.
    type: int
  endpoints:
    description: Addresses and names of peers, looked up as the host knows them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Look what there is for a private network
  hearth.llm.private_network_info:
    interface: hearth
    port: 51820
    endpoints: [192.0.2.2, gpu.example.com]
  register: found

- name: Show which peers the host knows
  ansible.builtin.debug:
    msg: "{{ (found.running.peers | default({})).keys() | list }}"
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
kernel:
  description: Whether the kernel has WireGuard.
  type: bool
  returned: always
  sample: true
tun:
  description: Whether a program may make an interface, which is where C(/dev/net/tun) is.
  type: bool
  returned: always
  sample: true
wg:
  description: Path of C(wg), empty where it is not installed.
  type: str
  returned: always
  sample: /usr/bin/wg
wireguard_go:
  description: Path of C(wireguard-go), empty where it is not installed.
  type: str
  returned: always
  sample: ""
interfaces:
  description: Each interface of the host with its C(addresses) of IPv4, as C(address/length).
  type: dict
  returned: always
  sample: {eth0: {addresses: [192.0.2.1/24]}}
uplink_mtu:
  description: The smallest MTU of the interfaces that lead to the network; V(0) where none does.
  type: int
  returned: always
  sample: 1500
endpoints:
  description: The addresses of each of O(endpoints), none where the host does not know the name.
  type: dict
  returned: always
  sample: {gpu.example.com: [192.0.2.3]}
port_taken:
  description: Whether somebody else than O(interface) has O(port).
  type: bool
  returned: always
  sample: false
running:
  description: >-
    What the interface is - C(userspace) (whether a program keeps it up), C(address), C(mtu), C(public_key), C(port), and its C(peers) by their public keys,
    each with C(addresses) and C(keepalive_seconds). Empty where there is no such interface.
  type: dict
  returned: always
  sample: {}
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import asker, uplinks
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._networks import addresses, links, resolve
from ansible_collections.hearth.llm.plugins.module_utils._sockets import sockets
from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Interface

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule
    from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Ask

    Resolve = Callable[[str], "list[str]"]


def argument_spec() -> dict[str, Any]:
    return {
        "interface": {"type": "str", "required": True},
        "port": {"type": "int"},
        "endpoints": {"type": "list", "elements": "str", "default": []},
    }


def run(
    host: Host,
    ask: Ask,
    resolve: Resolve,
    interface: str,
    port: int | None,
    endpoints: Sequence[str],
    ways: Sequence[str],
) -> dict[str, Any]:
    """`ways` are the interfaces that lead to the network."""
    found = links(ask)
    running = _running(ask, interface, found)
    taken = any(one.protocol == "udp" and one.port == port for one in sockets(host, protocols=["udp"]))
    return {
        "tun": host.exists("/dev/net/tun"),
        "interfaces": {name: {"addresses": addresses(link)} for name, link in found.items()},
        "uplink_mtu": min((int(found[way]["mtu"]) for way in ways if way in found), default=0),
        "endpoints": {endpoint: resolve(endpoint) for endpoint in endpoints},
        "port_taken": taken and running.get("port") != port,
        "running": running,
    }


def _running(ask: Ask, name: str, there: dict[str, Any]) -> dict[str, Any]:
    if name not in there:
        return {}
    interface = Interface(ask, name)
    return {
        "userspace": there[name].get("linkinfo", {}).get("info_kind") == "tun",
        "address": next(iter(addresses(there[name])), ""),
        "mtu": int(there[name]["mtu"]),
        "public_key": interface.word("public-key"),
        "port": interface.port(),
        "peers": interface.peers(),
    }


def _look(module: HearthModule) -> dict[str, Any]:
    host, params = Host(), module.params
    sbin = ["/usr/sbin", "/sbin"]
    modprobe = module.get_bin_path("modprobe", opt_dirs=sbin)
    loadable = modprobe is not None and module.run_command([modprobe, "--dry-run", "--quiet", "wireguard"])[0] == 0
    looked = run(
        host, asker(module.run_command), resolve, params["interface"], params["port"], params["endpoints"], uplinks()
    )
    return {
        **looked,
        "root": os.geteuid() == 0,
        "systemd": Path("/run/systemd/system").is_dir(),
        "kernel": loadable or host.exists("/sys/module/wireguard"),
        "wg": module.get_bin_path("wg", opt_dirs=sbin) or "",
        "wireguard_go": module.get_bin_path("wireguard-go", opt_dirs=sbin) or "",
    }


def main() -> None:
    run_module(_look, argument_spec())


if __name__ == "__main__":
    main()
