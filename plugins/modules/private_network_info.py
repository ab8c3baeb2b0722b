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
  ports:
    description: TCP ports of which is to be said who holds them.
    type: list
    elements: int
    default: []
  directory:
    description: Everything of hearth.llm on the host lies below it. A service of another installation is called one.
    type: path
    default: /var/lib/hearth
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
  description: Each interface of the host with its C(addresses) of IPv4, as C(address/length), and whether packets go through it (C(up)).
  type: dict
  returned: always
  sample: {eth0: {addresses: [192.0.2.1/24], up: true}}
reachable_addresses:
  description: Addresses of IPv4 and IPv6 at which others may reach the host, which are those of all interfaces but O(interface), without loopback and such as
    hold for one link alone.
  type: list
  elements: str
  returned: always
  sample: [192.0.2.1, "2001:db8::1"]
listeners:
  description: Who holds O(ports), by its C(address), C(port) and C(name).
  type: list
  elements: dict
  returned: always
  sample: [{address: 10.212.7.9, port: 18080, name: the container hearth-llama_cpp}]
came_by:
  description: >-
    The SSH connection by which this is asked, C(client_address) and C(server_address). Null where it is none.
  type: dict
  returned: always
  sample: {client_address: 192.0.2.9, server_address: 192.0.2.1}
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

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._host.listeners import listeners
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import asker, uplinks
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._networks import addresses, links, resolve
from ansible_collections.hearth.llm.plugins.module_utils._sockets import plain, sockets
from ansible_collections.hearth.llm.plugins.module_utils._ssh_connection import ssh_connection
from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Interface

if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule
    from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Ask

    Resolve = Callable[[str], "list[str]"]


def argument_spec() -> dict[str, Any]:
    return {
        "interface": {"type": "str", "required": True},
        "port": {"type": "int"},
        "endpoints": {"type": "list", "elements": "str", "default": []},
        "ports": {"type": "list", "elements": "int", "default": []},
        "directory": {"type": "path", "default": "/var/lib/hearth"},
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
        "interfaces": {name: {"addresses": addresses(link), "up": _is_up(link)} for name, link in found.items()},
        "reachable_addresses": [
            address for name, link in found.items() if name != interface for address in _reachable(link)
        ],
        "uplink_mtu": min((int(found[way]["mtu"]) for way in ways if way in found), default=0),
        "endpoints": {endpoint: resolve(endpoint) for endpoint in endpoints},
        "port_taken": taken and running.get("port") != port,
        "running": running,
    }


def _is_up(link: dict[str, Any]) -> bool:
    """Switched on, and with something at its other end."""
    return {"UP", "LOWER_UP"} <= set(link.get("flags", ()))


def _reachable(link: dict[str, Any]) -> Iterator[str]:
    for one in link.get("addr_info", ()):
        address = ipaddress.ip_address(one["local"])
        if not address.is_loopback and not address.is_link_local:
            yield str(address)


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


def _came_by() -> dict[str, str] | None:
    connection = ssh_connection()
    # Before Python 3.9 an address with its link is none.
    return connection and {
        name: plain(connection[name].partition("%")[0]) for name in ("client_address", "server_address")
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
        "listeners": [
            {"address": one.address, "port": one.port, "name": one.name}
            for one in (listeners(host, set(params["ports"]), params["directory"]) if params["ports"] else ())
        ],
        "came_by": _came_by(),
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
