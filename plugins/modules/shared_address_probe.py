#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether exactly one host has an address that several share."""

from __future__ import annotations

DOCUMENTATION = r"""
module: shared_address_probe
short_description: Wait until exactly one host has an address that several share
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Counts the host itself, where it has the address, and all others in its network who say that they have it (ARP), until there is one. So it needs no
    other host in the run.
  - Says how many there are when the time is over, and does not fail then. Changes nothing.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  address:
    description: The address, IPv4.
    type: str
    required: true
  interface:
    description: The interface in whose network it is.
    type: str
    required: true
  timeout_seconds:
    description: How long there may be none or several.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Wait until one host has the address
  hearth.llm.shared_address_probe:
    address: 192.0.2.10
    interface: eth0
  register: asked

- name: Stop where there are others
  ansible.builtin.assert:
    that: asked.count == 1
"""

RETURN = r"""
count:
  description: How many have it.
  type: int
  returned: always
  sample: 1
is_here:
  description: Whether this host is one of them.
  type: bool
  returned: always
  sample: false
others:
  description: The hardware addresses of the others.
  type: list
  elements: str
  returned: always
  sample: ["02:42:ac:1e:d5:0e"]
"""

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._arp import Neighbours
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import asker
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._networks import addresses, links

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {
        "address": {"type": "str", "required": True},
        "interface": {"type": "str", "required": True},
        "timeout_seconds": {"type": "int", "default": 20},
    }


def run(
    is_here: Callable[[], bool], others: Callable[[], Sequence[str]], seconds: float, pause: float = 0.3
) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        # Before and behind, for it may come or go meanwhile.
        before, there, here = is_here(), others(), is_here()
        count = len(there) + here
        if (count == 1 and before == here) or time.monotonic() > end:
            return {"count": count, "is_here": here, "others": list(there)}
        time.sleep(pause)


def _ask(module: HearthModule) -> dict[str, Any]:
    if os.geteuid() != 0:
        raise HearthError(
            "The network can only be asked by root who has an address. Set ansible_become, or connect as root."
        )
    params, ask = module.params, asker(module.run_command)

    def is_here() -> bool:
        return any(
            text.partition("/")[0] == params["address"] for link in links(ask).values() for text in addresses(link)
        )

    with contextlib.closing(Neighbours(params["interface"])) as neighbours:
        return run(
            is_here, lambda: neighbours.having([params["address"]])[params["address"]], params["timeout_seconds"]
        )


def main() -> None:
    run_module(_ask, argument_spec())


if __name__ == "__main__":
    main()
