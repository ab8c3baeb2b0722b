#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether peers answer over a private network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: private_network_probe
short_description: Ask the peers of an interface of WireGuard whether they answer
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Sends each peer an echo request through the tunnel, and waits until something has come back that only the peer can have sent. Also where a firewall within
    the tunnel lets nothing through, WireGuard itself acknowledges within ten seconds.
  - A peer that does not answer is no failure of this module. Needs root.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  interface:
    description: The interface of WireGuard.
    type: str
    required: true
  peers:
    description: Whom to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the peer is called in the result.
        type: str
        required: true
      public_key:
        description: Its public key.
        type: str
        required: true
      address:
        description: Its address in the tunnel.
        type: str
        required: true
      endpoint:
        description: Where it is reached without the tunnel, C(address:port). Empty where it comes by itself.
        type: str
        default: ""
  timeout_seconds:
    description: How long all of them are waited for, in seconds. WireGuard itself asks anew every five.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Ask a peer
  hearth.llm.private_network_probe:
    interface: hearth
    peers:
      - name: gpu
        public_key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        address: 10.212.7.9
        endpoint: 192.0.2.9:51820
  register: asked

- name: Stop where it does not answer
  ansible.builtin.assert:
    that: asked.silent | length == 0
    fail_msg: "{{ asked.silent | map(attribute='words') | join(' ') }}"
"""

RETURN = r"""
silent:
  description: The peers that did not answer.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: What the peer is called.
      type: str
      sample: gpu
    handshake_age_seconds:
      description: How long ago the two have last agreed on keys. Null where they never have.
      type: int
      sample: 310
    words:
      description: A sentence that says it, and what to look at.
      type: str
      sample: gpu (10.212.7.9) has not answered over hearth.
"""

import contextlib
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._host_firewall import asker
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._wireguard import Interface

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule

_ECHO = 8
# Answers are looked for often, and questions repeated seldom.
_LOOKS_PER_QUESTION = 10


def argument_spec() -> dict[str, Any]:
    peer = {name: {"type": "str", "required": True} for name in ("name", "address")}
    # Ansible would take it for a secret by its name.
    peer["public_key"] = {"type": "str", "required": True, "no_log": False}
    peer["endpoint"] = {"type": "str", "default": ""}
    return {
        "interface": {"type": "str", "required": True},
        "peers": {"type": "list", "elements": "dict", "required": True, "options": peer},
        "timeout_seconds": {"type": "int", "default": 20},
    }


def run(
    interface: Interface,
    peers: Sequence[Mapping[str, str]],
    seconds: float,
    send: Callable[[str], None],
    pause: float = 0.1,
) -> dict[str, Any]:
    before = interface.received()
    waiting = list(peers)
    end = time.monotonic() + seconds
    looks = 0
    while waiting and time.monotonic() < end:
        for peer in waiting if looks % _LOOKS_PER_QUESTION == 0 else ():
            send(peer["address"])
        looks += 1
        time.sleep(pause)
        now = interface.received()
        waiting = [peer for peer in waiting if now.get(peer["public_key"], 0) <= before.get(peer["public_key"], 0)]
    handshakes = interface.handshakes() if waiting else {}
    return {"silent": [_silent(peer, interface.name, _age(handshakes.get(peer["public_key"], 0))) for peer in waiting]}


def _silent(peer: Mapping[str, str], interface: str, age: int | None) -> dict[str, Any]:
    last = "the two have never agreed on keys" if age is None else f"the two last agreed on keys {age} seconds ago"
    name, endpoint = peer["name"], peer["endpoint"]
    look = (
        f"Look whether {name} runs and was brought up to date with this host, and whether UDP gets through to {endpoint} (hearth_private_endpoint, "
        "hearth_private_network_port, and firewalls on the way)."
        if endpoint
        else f"{name} has to come by itself: look whether it runs, was brought up to date with this host, and reaches it by UDP."
    )
    return {
        "name": name,
        "handshake_age_seconds": age,
        "words": f"{name} ({peer['address']}) has not answered over {interface}, and {last}. {look}",
    }


def _age(moment: int) -> int | None:
    return max(0, int(time.time()) - moment) if moment else None


def echo_request() -> bytes:
    """An echo request of ICMP (RFC 792)."""
    words = (_ECHO << 8, 0, os.getpid() & 0xFFFF, 1)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!4H", words[0], ~total & 0xFFFF, *words[2:])


def _ask(module: HearthModule) -> dict[str, Any]:
    if os.geteuid() != 0:
        raise HearthError(
            "Peers of a private network can only be asked by root. Set ansible_become, or connect as root."
        )
    params = module.params
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as door:
        try:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, params["interface"].encode())
        except OSError as error:
            raise HearthError(
                f"There is no interface {params['interface']} ({error.strerror}): bring it up first."
            ) from error

        def send(address: str) -> None:
            # A peer that has not come yet is nowhere: the kernel refuses, and the next question may reach it.
            with contextlib.suppress(OSError):
                door.sendto(echo_request(), (address, 0))

        interface = Interface(asker(module.run_command), params["interface"])
        return run(interface, params["peers"], params["timeout_seconds"], send)


def main() -> None:
    run_module(_ask, argument_spec())


if __name__ == "__main__":
    main()
