#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
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
connection:
  description: The SSH connection in use. Null where the module was not started through SSH.
  type: dict
  returned: always
  contains:
    client_address:
      description: Where it comes from, as the host sees it.
      type: str
      sample: 192.168.1.10
    server_address:
      description: The address of the host that it goes to.
      type: str
      sample: 192.168.1.20
    server_port:
      description: The port that it goes to.
      type: int
      sample: 22
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
foreign_rules:
  description: Rules of others in ufw. One of these must not be made ours, for then we would remove it one day.
  type: list
  elements: str
  returned: always
  sample: ["allow 22/tcp"]
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import HostFirewall, uplinks
from ansible_collections.hearth.llm.plugins.module_utils._ssh_connection import ssh_connection


def argument_spec() -> dict[str, Any]:
    return {}


def run(firewall: HostFirewall, *, nft: str, systemd: bool) -> dict[str, Any]:
    provider = firewall.provider()
    ours, theirs = firewall.rules(provider)
    return {
        "provider": provider,
        "nft": nft,
        "systemd": systemd,
        "connection": ssh_connection(),
        "uplinks": uplinks(),
        "merged_rules": ours,
        "foreign_rules": theirs,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        if os.geteuid() != 0:
            raise HearthError("A firewall can only be looked at by root. Set ansible_become, or connect as root.")
        nft = module.get_bin_path("nft", opt_dirs=["/usr/sbin", "/sbin"]) or ""
        systemd = Path("/run/systemd/system").is_dir()
        module.exit_json(changed=False, **run(HostFirewall(module.run_command), nft=nft, systemd=systemd))
    except HearthError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
