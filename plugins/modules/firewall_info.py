#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which firewall a host has, and by which connection it is being asked."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_info
short_description: Which firewall is in charge of a host, and by which SSH connection we came
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says which firewall runs, which of its rules are ours, and from where and to which port the SSH connection in use goes.
  - Says what on this host carries that connection (tunnels such as WireGuard and OpenVPN, a container, a program on loopback), and what has to be
    open for a new one.
  - Needs root, for other users see neither.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options: {}
"""

EXAMPLES = r"""
- name: Look at the firewall
  hearth.llm.firewall_info:
  register: firewall

- name: Show which one it is
  ansible.builtin.debug:
    var: firewall.provider
"""

RETURN = r"""
provider:
  description: V(firewalld) or V(ufw) where one of them is active, else V(nftables).
  type: str
  returned: always
  sample: nftables
nft:
  description: Path of C(nft), empty where it is not installed.
  type: str
  returned: always
  sample: /usr/sbin/nft
systemd:
  description: Whether systemd runs this host.
  type: bool
  returned: always
  sample: true
wsl:
  description: >-
    Of a distribution of WSL, how it is in the network, V(mirrored) where it has the addresses of Windows, V(nat) where Windows translates them. Empty on any
    other host.
  type: str
  returned: always
  sample: ""
connection:
  description: The SSH connection in use. Null where the module was not started through SSH.
  type: dict
  returned: always
  contains: &connection
    client_address:
      description: Where it comes from, as the host sees it.
      type: str
      sample: 192.168.1.10
    client_port:
      description: The port that it comes from.
      type: int
      sample: 51000
    server_address:
      description: The address of the host that it goes to.
      type: str
      sample: 192.168.1.20
    server_port:
      description: The port that it goes to.
      type: int
      sample: 22
    stages:
      description: >-
        What on this host carries it, the innermost first; empty where it comes straight from the network. Null where it begins on this host
        itself, and so says nothing about how others come in.
      type: list
      elements: dict
      contains:
        name:
          description: The interface, the program or the container.
          type: str
          sample: wg0
        kind:
          description: What it is.
          type: str
          sample: wireguard
        doors:
          description: What has to be open for a new flow, C(protocol) and C(port), and its C(source) where that is known.
          type: list
          elements: dict
          sample: [{protocol: udp, port: 51820, source: 203.0.113.7}]
        outgoing:
          description: Whether the host keeps it up from inside, so that nothing has to be open.
          type: bool
          sample: false
        unknown:
          description: Why nobody can say what has to be open. Empty where it is known.
          type: str
          sample: ""
sessions:
  description: >-
    The SSH connections of whoever is in at the moment, each as RV(connection), where the module was not started through SSH; otherwise empty.
  type: list
  elements: dict
  returned: always
  contains: *connection
ssh_listeners:
  description: Where SSH servers of this host can be reached from elsewhere, C(address) and C(port), also where systemd waits in their place.
  type: list
  elements: dict
  returned: always
  sample: [{address: 0.0.0.0, port: 22}]
uplinks:
  description: The interfaces that lead to the network, those of default routes.
  type: list
  elements: str
  returned: always
  sample: [eth0]
merged_rules:
  description:
    - Rules of ours in the firewall that is in charge, where that is firewalld or ufw, in its own words.
    - Rules of ufw are without the word C(ufw) at their beginning.
  type: list
  elements: str
  returned: always
  sample: ["allow from 192.168.0.0/16 to any port 443 proto tcp comment 'hearth.llm gateway'"]
unknown_protocols:
  description: Protocols without ports that ufw does not know, where it is in charge and older than 0.36.2.
  type: list
  elements: str
  returned: success
  sample: []
foreign_rules:
  description: Rules of others in ufw. One of these must not be made ours, for then we would remove it one day.
  type: list
  elements: str
  returned: always
  sample: ["allow 22/tcp"]
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import look
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import HostFirewall, asker, uplinks
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._ssh_connection import ssh_connection
from ansible_collections.hearth.llm.plugins.module_utils._way_in.route import Route
from ansible_collections.hearth.llm.plugins.module_utils._way_in.servers import ssh_connections, ssh_listeners

if TYPE_CHECKING:
    from typing import Callable, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule

    Ask = Callable[..., str]


def argument_spec() -> dict[str, Any]:
    return {}


def run(firewall: HostFirewall, host: Host, ask: Ask, *, nft: str, systemd: bool) -> dict[str, Any]:
    provider = firewall.provider()
    ours, theirs = firewall.rules(provider)
    route, connection, listeners = Route(host, ask), ssh_connection(), ssh_listeners(host, ask)
    sessions = ssh_connections(host, listeners) if connection is None else []
    return {
        "provider": provider,
        "nft": nft,
        "systemd": systemd,
        "wsl": look(host).network,
        "connection": _with_stages(connection, route) if connection else None,
        "sessions": [_with_stages(session, route) for session in sessions],
        "ssh_listeners": listeners,
        "uplinks": uplinks(),
        "merged_rules": ours,
        "foreign_rules": theirs,
        "unknown_protocols": firewall.unknown_protocols(provider),
    }


def _with_stages(connection: Mapping[str, Any], route: Route) -> dict[str, Any]:
    stages = route.stages(connection["client_address"], connection["client_port"], connection["server_address"])
    return {**connection, "stages": None if stages is None else [stage.as_dict() for stage in stages]}


def _look(module: HearthModule) -> dict[str, Any]:
    if os.geteuid() != 0:
        raise HearthError("A firewall can only be looked at by root. Set ansible_become, or connect as root.")
    nft = module.get_bin_path("nft", opt_dirs=["/usr/sbin", "/sbin"]) or ""
    systemd = Path("/run/systemd/system").is_dir()
    return run(HostFirewall(module.run_command), Host(), asker(module.run_command), nft=nft, systemd=systemd)


def main() -> None:
    run_module(_look, argument_spec())


if __name__ == "__main__":
    main()
