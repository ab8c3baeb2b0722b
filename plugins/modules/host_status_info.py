#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a host, and what is left of its disks, its memory and its GPUs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_status_info
short_description: Tell what runs on a host, and what room is left there
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Looks at each service that the role P(hearth.llm.service#role) has written down, at the disks, the memory, the load and the GPUs.
  - Nothing that is down is a failure. What is broken, and what to do, says M(hearth.llm.host_diagnosis).
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
    description: Whether services use GPUs, so that these are looked at.
    type: bool
    default: false
seealso:
  - module: hearth.llm.gateway_status_info
  - module: hearth.llm.host_diagnosis
"""

EXAMPLES = r"""
- name: Look what runs on the host
  hearth.llm.host_status_info:
    directory: /var/lib/hearth
  register: host

- name: Show how much room is left
  ansible.builtin.debug:
    var: host.disks
"""

RETURN = r"""
services:
  description: The services of the host, by name.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: What it is called., type: str, returned: always, sample: gateway}
    state: {description: "Its state, in the words of Docker or of supervisord.", type: str, returned: always, sample: running}
    is_up: {description: Whether it runs and is not known to be ill., type: bool, returned: always}
    since: {description: "When it was started, seconds since 1970. None where it does not run.", type: float, returned: always, sample: 1796000000.0}
disks:
  description: The file systems that the service writes to, each once.
  type: list
  elements: dict
  returned: success
  contains:
    directory: {description: A directory on it., type: str, returned: always, sample: /var/lib/hearth}
    free_bytes: {description: What is left for services., type: int, returned: always, sample: 128849018880}
    total_bytes: {description: How large it is., type: int, returned: always, sample: 536870912000}
memory:
  description: The memory of the host, RV(ignore:available_bytes) of RV(ignore:total_bytes).
  type: dict
  returned: success
  sample: {available_bytes: 12884901888, total_bytes: 68719476736}
load:
  description: How many tasks of the last minute were running or waiting for a processor or a disk, on average.
  type: float
  returned: success
  sample: 1.5
processors:
  description: How many processors the host has.
  type: int
  returned: success
  sample: 8
gpus:
  description: The GPUs, as M(hearth.llm.gpu_info) names them. Empty where no service uses them.
  type: list
  elements: dict
  returned: success
  contains:
    index: {description: Its number., type: int, returned: always, sample: 0}
    name: {description: What it is called., type: str, returned: always, sample: NVIDIA L40S}
    memory_bytes: {description: How much memory it has. None if nobody says., type: int, returned: always, sample: 48305799168}
    memory_free_bytes: {description: How much of it is free. None without a driver., type: int, returned: always, sample: 47700770816}
"""

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._gpu.survey import look as survey
from ansible_collections.hearth.llm.plugins.module_utils._host.docker import DIRECTORY as DOCKER_DIRECTORY
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._status import host as on

if TYPE_CHECKING:
    from typing import Mapping

_GPU_SECONDS = 10.0
_OF_GPU = ("index", "name", "memory_bytes", "memory_free_bytes")


def argument_spec() -> dict[str, Any]:
    return {
        "directory": {"type": "path", "required": True},
        "runtime": {"type": "str", "choices": ["docker", "process"], "default": "docker"},
        "uses_gpus": {"type": "bool", "default": False},
    }


def look(params: Mapping[str, Any], host: Host) -> dict[str, Any]:
    directory = params["directory"]
    in_docker = params["runtime"] == "docker"
    gpus = survey(host, "0", _GPU_SECONDS)["gpus"] if params["uses_gpus"] else []
    return {
        "services": on.containers(host, directory) if in_docker else on.programs(host, directory),
        "disks": on.disks(host, [directory, *([DOCKER_DIRECTORY] if in_docker else [])]),
        "memory": on.memory(host),
        "load": os.getloadavg()[0],
        "processors": os.cpu_count() or 1,
        "gpus": [{name: gpu[name] for name in _OF_GPU} for gpu in gpus],
    }


def main() -> None:
    run_module(lambda module: look(module.params, Host()), argument_spec())


if __name__ == "__main__":
    main()
