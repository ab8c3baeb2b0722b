#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what of a host keeps its services from working."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_diagnosis
short_description: Tell what of a host keeps its services from working
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Looks at the clock, the disks, the memory, the GPUs, Docker, the units of systemd whose names begin with C(hearth-), and at each service that the role
    P(hearth.llm.service#role) has written down, and says of each that is broken what is wrong, and what to do.
  - Nothing that is broken is a failure of this module. As another user than root less can be seen.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  directory:
    description: Where everything of the service lies on the host.
    type: path
    required: true
  runtime:
    description: How services are run.
    type: str
    choices: [docker, process]
    default: docker
  uses_gpus:
    description: Whether services use GPUs, so that one that cannot be used is a fault.
    type: bool
    default: false
  controller_time:
    description: What the controller's clock shows, seconds since 1970. Without it the clock is not compared.
    type: float
seealso:
  - module: hearth.llm.gateway_diagnosis
  - module: hearth.llm.gpu_info
"""

EXAMPLES = r"""
- name: Tell what keeps the services from working
  hearth.llm.host_diagnosis:
    directory: /var/lib/hearth
    controller_time: "{{ now(utc=true).timestamp() }}"
  register: inside
"""

RETURN = r"""
signs:
  description: What was looked at, as M(hearth.llm.gateway_diagnosis) has it.
  type: list
  elements: dict
  returned: success
  sample: [{layer: service, subject: gateway, wrong: "The container hearth-gateway is not there: run site.yml again.", warning: ""}]
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._diagnosis import inside
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._gpu.survey import look as survey
from ansible_collections.hearth.llm.plugins.module_utils._host.docker import DIRECTORY as DOCKER_DIRECTORY
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, run_module
from ansible_collections.hearth.llm.plugins.module_utils._supervisor import Supervisor

if TYPE_CHECKING:
    from typing import Callable, Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._diagnosis.sign import Sign

_GPU_SECONDS = 10.0


def argument_spec() -> dict[str, Any]:
    return {
        "directory": {"type": "path", "required": True},
        "runtime": {"type": "str", "choices": ["docker", "process"], "default": "docker"},
        "uses_gpus": {"type": "bool", "default": False},
        "controller_time": {"type": "float"},
    }


def look(params: Mapping[str, Any], host: Host, run: Callable[[Sequence[str]], str]) -> Iterator[Sign]:
    directory = params["directory"]
    in_docker = params["runtime"] == "docker"
    yield from inside.clock(params["controller_time"])
    yield from inside.disks(host, ["/", directory, *([DOCKER_DIRECTORY] if in_docker else [])])
    yield from inside.memory(host)
    if params["uses_gpus"]:
        yield inside.gpu(survey(host, "0", _GPU_SECONDS))
    if host.exists("/run/systemd/system"):
        yield from inside.units(run)
    if in_docker:
        yield from inside.of_docker(host, directory, run)
    else:
        yield from inside.of_processes(host, directory, _states(directory))


def _states(directory: str) -> dict[str, str] | None:
    try:
        return Supervisor(f"{directory}/supervisor/supervisor.sock").states()
    except HearthError:
        return None


def _run(module: HearthModule) -> dict[str, Any]:
    def run(command: Sequence[str]) -> str:
        code, out, err = module.run_command(list(command))
        return str(out or err) if code == 0 else ""

    return {"signs": [asdict(sign) for sign in look(module.params, Host(), run)]}


def main() -> None:
    run_module(_run, argument_spec())


if __name__ == "__main__":
    main()
