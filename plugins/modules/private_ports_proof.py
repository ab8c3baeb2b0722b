#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is for a private network is asked for from a host that must not have it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: private_ports_proof
short_description: Prove from one host that ports of others are closed to it which are for a private network
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Runs on a host that is a neighbour of others, and tries their ports, those of TCP, that only some have, and only over a private network. At every other
    address nobody may have them, and over the network only those that are named.
  - Whoever may have a port does not try it. That the network itself works is shown by M(hearth.llm.private_network_probe).
  - In check mode it asks, too, but never fails, because what is missing may be what the run would set up; RV(proven) says how it is.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  asker:
    description: The name of the host on which this runs.
    type: str
    required: true
  targets:
    description: The other hosts. One that is the asker itself is left out.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the host.
        type: str
        required: true
      addresses:
        description: Its addresses outside the private network. Those that the asker has itself, such as that of a bridge of containers, are left out.
        type: list
        elements: str
        required: true
      private_address:
        description: Its address in the private network.
        type: str
        required: true
      ports:
        description: Its ports that are for the private network.
        type: list
        elements: dict
        required: true
        suboptions:
          port:
            description: The port.
            type: int
            required: true
          hosts:
            description: The names of the hosts that have it over the network.
            type: list
            elements: str
            required: true
      listeners:
        description: Who holds the ports, for the message, RV(hearth.llm.private_network_info#module:listeners) of M(hearth.llm.private_network_info).
        type: list
        elements: dict
        default: []
        suboptions:
          address:
            description: Where he listens.
            type: str
            required: true
          port:
            description: At which port.
            type: int
            required: true
          name:
            description: Who it is.
            type: str
            required: true
  scan_timeout:
    description: How long a port has to answer, seconds. With more than one, a lost packet is sent a second time.
    type: float
    default: 1.3
"""

EXAMPLES = r"""
- name: Prove from a gateway that the engine's port is closed at the address of the LAN, and from another engine that it is closed over the network, too
  hearth.llm.private_ports_proof:
    asker: "{{ inventory_hostname }}"
    targets:
      - name: engine1
        addresses: [192.168.10.11]
        private_address: 10.212.7.9
        ports:
          - port: 18080
            hosts: [door]
        listeners:
          - address: 10.212.7.9
            port: 18080
            name: the container hearth-llama_cpp
"""

RETURN = r"""
proven:
  description: Whether nothing has answered. False in check mode only.
  type: bool
  returned: success
  sample: true
asked:
  description: How many ports were tried, each at each address.
  type: int
  returned: always
  sample: 2
findings:
  description: A sentence for each port that has answered.
  type: list
  elements: str
  returned: always
  sample:
    - >-
      engine1: port 18080 at 192.168.10.11, held by the container hearth-llama_cpp, answers door, and is for door over the private network alone: have it listen
      at 10.212.7.9 only, and close the host by playbooks/close_host.yml.
"""

import socket
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._exposure.scan import scan
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Iterator, Mapping

    # An address and a port, and what is to be said where they answer.
    Question = tuple[str, int, str]

_PARALLEL = 1024
_EVERYWHERE = ("0.0.0.0", "::")


def argument_spec() -> dict[str, Any]:
    names: dict[str, Any] = {"type": "list", "elements": "str", "required": True}
    word: dict[str, Any] = {"type": "str", "required": True}
    number: dict[str, Any] = {"type": "int", "required": True}
    listener = {"address": word, "port": number, "name": word}
    target = {
        "name": word,
        "addresses": names,
        "private_address": word,
        "ports": {"type": "list", "elements": "dict", "required": True, "options": {"port": number, "hosts": names}},
        "listeners": {"type": "list", "elements": "dict", "default": [], "options": listener},
    }
    return {
        "asker": word,
        "targets": {"type": "list", "elements": "dict", "required": True, "options": target},
        "scan_timeout": {"type": "float", "default": 1.3},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """What the module returns. HearthError with the same as its details where something has answered."""
    if params["scan_timeout"] <= 0:
        raise InputError(f"scan_timeout: {params['scan_timeout']} is too little. Give a positive number.")
    asked = [question for target in params["targets"] for question in _questions(target, params["asker"])]
    addresses = list(dict.fromkeys(address for address, _port, _words in asked))
    ports = sorted({port for _address, port, _words in asked})
    answering = scan(addresses, ports, timeout=params["scan_timeout"], parallel=_PARALLEL).open
    findings = [words for address, port, words in asked if port in answering[address]]
    result = {"asked": len(asked), "findings": findings}
    if findings and not check_mode:
        raise HearthError(" ".join(findings), **result)
    return {"proven": not findings, **result}


def _questions(target: Mapping[str, Any], asker: str) -> Iterator[Question]:
    if target["name"] == asker:
        return
    private = target["private_address"]
    others = [address for address in target["addresses"] if address != private and not _is_here(address)]
    for port in target["ports"]:
        may = asker in port["hosts"]
        for address in [*others, *([] if may else [private])]:
            yield address, port["port"], _words(target, port, address, asker)


def _words(target: Mapping[str, Any], port: Mapping[str, Any], address: str, asker: str) -> str:
    return (
        f"{target['name']}: port {port['port']} at {address}, held by {_holder(target, port['port'], address)}, answers {asker}, and is for "
        f"{', '.join(port['hosts']) or 'nobody'} over the private network alone: have it listen at {target['private_address']} only, and close the host by "
        "playbooks/close_host.yml."
    )


def _holder(target: Mapping[str, Any], port: int, address: str) -> str:
    """Whoever listens at the address, or else at the port: what is sent there may be led elsewhere."""
    there = [one for one in target["listeners"] if one["port"] == port]
    at_all = [one for one in there if one["address"] in (address, *_EVERYWHERE)]
    return " and ".join(sorted({one["name"] for one in at_all or there})) or "nobody whom the host knows"


def _is_here(address: str) -> bool:
    """Whether the kernel takes an address for one of this host, as it says without sending anything. That one may listen there says nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as wire:
        try:
            wire.connect((address, 9))
        except OSError:
            return False
        return bool(wire.getsockname()[0] == address)


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
