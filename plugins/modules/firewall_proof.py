#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new SSH connection that comes in from a network of its own, where nobody else can make one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_proof
short_description: Come in by SSH from a network of one's own on the same host
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes a network namespace that is joined to the host by a pair of virtual interfaces, asks each SSH server from there until it greets, and takes
    all of it away again. So the packets go through the firewall of the host like those of a stranger.
  - Says that new connections get in, where Ansible runs on the host itself (C(ansible_connection=local), C(ansible-pull), a timer) and has no
    connection that it could make anew. It says nothing about tunnels and about what lies between the host and others.
  - Needs root, C(ip) and C(nsenter).
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
    details: Makes nothing in check mode, and takes it as proven.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  listeners:
    description: Where SSH servers listen, RV(hearth.llm.firewall_info#module:ssh_listeners) of M(hearth.llm.firewall_info).
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The address.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
  sources:
    description: From where SSH is open. A network of IPv4 from which the proof can be made without taking an address from anybody has to be among them.
    type: list
    elements: str
    required: true
  timeout_seconds:
    description: How long each server is asked, in seconds.
    type: int
    default: 6
"""

EXAMPLES = r"""
- name: Come in by a new connection
  hearth.llm.firewall_proof:
    listeners: [{address: 0.0.0.0, port: 22}]
    sources: [0.0.0.0/0]
"""

RETURN = r"""
proven:
  description: Whether every server has greeted.
  type: bool
  returned: always
  sample: true
reason:
  description: Why not. Empty where it is proven.
  type: str
  returned: always
  sample: ""
"""

import ipaddress
import os
import sys
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Callable, Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule

    RunCommand = Callable[..., "tuple[int, str, str]"]

NAME = "hearth-proof"
INSIDE = "hearth-proof0"
OUTSIDE = "hearth-proof1"
# Kept by RFC 2544 for trials of devices: nobody has it.
NETWORK = ipaddress.ip_network("198.18.213.0/30")
HOST = str(NETWORK[1])
STRANGER = str(NETWORK[2])
ASK = """
import socket, sys, time
address, port, source, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
end = time.monotonic() + seconds
while True:
    try:
        with socket.create_connection((address, port), timeout=2, source_address=(source, 0)) as connection:
            raise SystemExit(0 if connection.recv(4) == b"SSH-" else "it is no SSH server that answers")
    except OSError as error:
        if time.monotonic() > end:
            raise SystemExit(str(error))
        time.sleep(0.2)
"""


def argument_spec() -> dict[str, Any]:
    listener = {"address": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}
    return {
        "listeners": {"type": "list", "elements": "dict", "required": True, "options": listener},
        "sources": {"type": "list", "elements": "str", "required": True},
        "timeout_seconds": {"type": "int", "default": 6},
    }


class Stranger:
    def __init__(self, run_command: RunCommand) -> None:
        self._run_command = run_command

    def reason(self, listeners: list[dict[str, Any]], sources: list[str], seconds: int) -> str:
        """Why a stranger does not come in; empty where he does."""
        source = self._source(sources)
        if not source:
            return (
                f"{', '.join(sources) or 'nothing'} leaves no address from which that could be tried without taking it from"
                f" somebody: add {NETWORK} to firewall_ssh_sources"
            )
        targets = sorted(set(_targets(listeners)))
        if not targets:
            return "no SSH server listens on an address of IPv4"
        self._remove()
        try:
            self._make(source)
            for address, port in targets:
                words = [sys.executable, "-c", ASK, address, str(port), source, str(seconds)]
                status, _output, errors = self._run_command(["nsenter", f"--net=/run/netns/{NAME}", *words])
                if status != 0:
                    return f"a new connection to port {port} did not come in ({errors.strip()})"
        finally:
            self._remove()
        return ""

    def _source(self, sources: list[str]) -> str:
        """An address that the rules let in, and that lies in no network that the host is joined to."""
        for text in sources:
            network = ipaddress.ip_network(text)
            if network.version == 4 and ipaddress.ip_address(STRANGER) in network:
                return STRANGER
        for text in sources:
            network = ipaddress.ip_network(text)
            if network.version == 4 and network.prefixlen < 31:
                address = str(network[-2])
                status, route, _errors = self._run_command(["ip", "route", "get", address])
                # One that is reached by a router is not missed by neighbours for a moment.
                if status == 0 and " via " in route:
                    return address
        return ""

    def _make(self, source: str) -> None:
        self._do("ip", "netns", "add", NAME)
        self._do("ip", "link", "add", INSIDE, "type", "veth", "peer", "name", OUTSIDE, "netns", NAME)
        self._do("ip", "address", "add", f"{HOST}/30", "dev", INSIDE)
        self._do("ip", "link", "set", INSIDE, "up")
        for words in (
            ("address", "add", f"{STRANGER}/30", "dev", OUTSIDE),
            ("link", "set", OUTSIDE, "up"),
            ("route", "add", "default", "via", HOST),
        ):
            self._do("ip", "-netns", NAME, *words)
        if source != STRANGER:
            self._do("ip", "-netns", NAME, "address", "add", f"{source}/32", "dev", OUTSIDE)
            self._do("ip", "route", "add", f"{source}/32", "via", STRANGER, "dev", INSIDE)

    def _remove(self) -> None:
        """With the namespace go both interfaces, and with them their routes."""
        self._run_command(["ip", "link", "delete", INSIDE])
        self._run_command(["ip", "netns", "delete", NAME])

    def _do(self, *command: str) -> None:
        status, output, errors = self._run_command(list(command))
        if status != 0:
            raise HearthError(
                f"A new connection could not be tried: '{' '.join(command)}' ended with {status}: {(errors or output).strip()}."
            )


def _targets(listeners: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for listener in listeners:
        address = ipaddress.ip_address(listener["address"])
        if address.is_unspecified:
            yield HOST, listener["port"]
        elif address.version == 4:
            yield str(address), listener["port"]


def _prove(module: HearthModule) -> dict[str, Any]:
    if os.geteuid() != 0:
        raise HearthError("Only root may join a network to the host. Set ansible_become, or connect as root.")
    params, stranger = module.params, Stranger(module.run_command)
    reason = (
        "" if module.check_mode else stranger.reason(params["listeners"], params["sources"], params["timeout_seconds"])
    )
    return {"proven": not reason, "reason": reason}


def main() -> None:
    run_module(_prove, argument_spec())


if __name__ == "__main__":
    main()
