#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask workers of llama.cpp's RPC what they are, and a program of which build it is."""

from __future__ import annotations

DOCUMENTATION = r"""
module: llama_rpc_info
short_description: Ask workers of llama.cpp who lend their memory over RPC
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says of each worker whether it answers the beginning of llama.cpp's RPC protocol, by which version of it, and which devices with how much memory it has.
  - A worker serves one client at a time and says nothing to others meanwhile. It is V(busy) then, which is no error while a model is split over it. Whom
    somebody on this host is connected to, or to whom somebody is connected at O(own_port), is not asked, for that would take a place in its queue.
  - Says of which build of llama.cpp a program is, by what O(probe_command) prints, and compares that with the builds of the workers. RPC's protocol is that of
    one build; C(ggml-rpc-server) itself does not say its build, C(llama-server) beside it does.
  - Says what a host has to lend, its memory as far as O(memory_limit) allows, and how fast its slowest network interface is, where the kernel knows that.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  workers:
    description: Addresses of workers, C(host:port). The host is an IPv4 address or a name.
    type: list
    elements: str
    default: []
  own_port:
    description: The port at which O(workers) listen, on this host or in containers of it, where it is their own host. V(0) where it is not.
    type: int
    default: 0
  timeout:
    description: How long a worker may take for each of its answers, seconds.
    type: float
    default: 3
  probe_command:
    description: >-
      A command that prints what C(llama-server --version) and C(llama-server --help) print, and C(/…/python3) in a line of its own where there is one.
    type: list
    elements: str
    default: []
  builds:
    description: The build of each worker, as RV(build) of this module on the worker's host says it. Compared with that of O(probe_command).
    type: dict
    default: {}
  memory_limit:
    description: What the worker's container may have of the host's memory, such as V(20g). V(0) is without limit.
    type: str
    default: "0"
"""

EXAMPLES = r"""
- name: Ask two workers what they have
  hearth.llm.llama_rpc_info:
    workers: [10.77.0.2:50052, 10.77.0.3:50052]

- name: Ask an image of which build it is, and whether the worker's is the same
  hearth.llm.llama_rpc_info:
    probe_command:
      - docker
      - run
      - --rm
      - --network=none
      - --entrypoint=/bin/sh
      - registry.example.org/llama.cpp-rpc:b11176
      - -c
      - /app/llama-server --version; /app/llama-server --help; command -v python3
    builds:
      10.77.0.2:50052: b11176 0a1b2c3
"""

RETURN = r"""
workers:
  description: What each of O(workers) is.
  type: list
  elements: dict
  returned: success
  contains:
    address: {description: As given., type: str, returned: success, sample: "10.77.0.2:50052"}
    state:
      description: >-
        V(answers), V(busy) while somebody else is served, V(unreachable), or V(strange) where who listens does not speak the protocol.
      type: str
      returned: success
      sample: answers
    version: {description: The version of the protocol where it answers., type: str, returned: success, sample: 8.0.0}
    devices: {description: Its devices with C(memory_bytes) and C(free_bytes)., type: list, elements: dict, returned: success}
    why: {description: Why it does not answer., type: str, returned: success, sample: Connection refused}
build:
  description: Of which build the program is. Empty where it does not say it, or could not be asked in a dry run.
  type: str
  returned: success
  sample: b11176 0a1b2c3
has_rpc:
  description: Whether that build can be the head of workers.
  type: bool
  returned: success
has_python:
  description: Whether there is a Python beside it.
  type: bool
  returned: success
asked:
  description: Whether O(probe_command) could be run. False in check mode only, or where none is given.
  type: bool
  returned: success
findings:
  description: What of builds and versions does not fit together, each a sentence.
  type: list
  elements: str
  returned: success
memory_bytes:
  description: What the host has to lend of its memory.
  type: int
  returned: success
link_mbits:
  description: The speed of the slowest interface of the host that has a device and a link, Mbit/s. 0 where nobody knows.
  type: int
  returned: success
  sample: 1000
"""

import subprocess
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._host.facts import memory_bytes
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._rpc import build, connections, offer, worker

if TYPE_CHECKING:
    from typing import Mapping

LAST_WORDS = 600
# An image may have to come first.
PROBE_SECONDS = 900


def argument_spec() -> dict[str, Any]:
    return {
        "workers": {"type": "list", "elements": "str", "default": []},
        "own_port": {"type": "int", "default": 0},
        "timeout": {"type": "float", "default": 3},
        "probe_command": {"type": "list", "elements": "str", "default": []},
        "builds": {"type": "dict", "default": {}},
        "memory_limit": {"type": "str", "default": "0"},
    }


def run(params: Mapping[str, Any], host: Host, *, check_mode: bool) -> dict[str, Any]:
    connected = connections.established(host) if params["workers"] else set()
    is_served = any(one.own.endswith(f":{params['own_port']}") for one in connected)
    workers = [
        worker.served(address)
        if is_served or any(one.other == address for one in connected)
        else worker.look(address, params["timeout"])
        for address in params["workers"]
    ]
    said = probe(params["probe_command"], check_mode=check_mode)
    own = build.of(said)
    # In a dry run a worker's image may not be there yet either.
    builds = {address: of for address, of in params["builds"].items() if of or not check_mode} if said else {}
    versions = {one.address: one.version for one in workers if one.state == worker.ANSWERS}
    return {
        "workers": [asdict(one) for one in workers],
        "asked": bool(said),
        "build": own,
        "has_rpc": build.has_rpc(said),
        "has_python": build.has_python(said),
        "findings": list(build.findings(own, builds, versions)),
        "memory_bytes": offer.memory_bytes(memory_bytes(host), params["memory_limit"]),
        "link_mbits": offer.link_mbits(host),
    }


def probe(command: list[str], *, check_mode: bool) -> str:
    """What a program says of itself; nothing where it cannot be asked in a dry run, which has no image yet."""
    if not command:
        return ""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        if check_mode:
            return ""
        raise InputError(f"{command[0]} cannot be run: {error}.") from error
    said = done.stdout.decode("utf-8", "replace")
    if not build.of(said) and not check_mode:
        raise HearthError(
            f"{' '.join(command[:1])} was to say of which build llama.cpp is, and did not: {said[-LAST_WORDS:].strip() or done.returncode}"
        )
    return said if build.of(said) else ""


def main() -> None:
    run_module(lambda module: run(module.params, Host("/"), check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
