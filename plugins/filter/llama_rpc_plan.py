# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a worker of llama.cpp's RPC is run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_rpc_plan
short_description: How a worker of llama.cpp's RPC is run
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - What the role service is told of a worker, and what would be refused of it, above all an address that is not of a private network.
options:
  _input:
    description: The address of the host at which it listens.
    type: str
    required: true
  port:
    description: The port of the host.
    type: int
    default: 50052
  runtime:
    description: How it is run.
    type: str
    choices: [docker, process]
    default: docker
  image:
    description: The image that has it, with V(docker).
    type: str
    default: ''
  program:
    description: The program, C(ggml-rpc-server) or what an older build calls C(rpc-server).
    type: str
    default: ''
  server_program:
    description: C(llama-server) of the same build, which says of which build both are.
    type: str
    default: ''
  devices:
    description: The devices that it lends, as llama.cpp calls them. All GPUs, or the processor where there are none, when empty.
    type: list
    elements: str
    default: []
  threads:
    description: Threads of the processor. V(0) is half of them, as llama.cpp has it.
    type: int
    default: 0
  cache:
    description: Whether it keeps large tensors on its disk, so that they are not sent again.
    type: bool
    default: true
  cache_directory:
    description: Where.
    type: path
    default: ''
  environment:
    description: Further variables of its environment.
    type: dict
    default: {}
  private_address:
    description: The address of the host in the private network of the hosts. Where there is one, the worker listens at no other, but for V(127.0.0.1).
    type: str
    default: ''
  pulls:
    description: Whether an image that is not there may be fetched to be asked.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show how a worker would be run
  ansible.builtin.debug:
    msg: "{{ '10.77.0.2' | hearth.llm.llama_rpc_plan(image='registry.example.org/llama.cpp-rpc:b11176', program='/app/ggml-rpc-server') }}"
"""

RETURN = r"""
_value:
  description:
    - C(findings), each a sentence; C(entrypoint), C(command), C(environment), C(mounts) and C(ports) of the service; C(listens_at), its port as it sees it
      itself; C(asked_at), where it is asked; C(probe_command), what M(hearth.llm.llama_rpc_info) runs to know of which build it is.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._llama_rpc_plan import llama_rpc_plan as plan


def llama_rpc_plan(address: str, *, port: int = 50052, runtime: str = "docker", **given: Any) -> dict[str, Any]:
    return plan(str(address), port=int(port), runtime=runtime, **given)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_rpc_plan": llama_rpc_plan}
