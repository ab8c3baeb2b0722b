# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the role service runs what lies there, with what has to be done for it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: service_starts
short_description: How services are run whose configurations lie there
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes what M(hearth.llm.supervised_program) or M(community.docker.docker_container) are told, from what
    M(hearth.llm.config_generation) has written or put back.
  - Services whose configuration was refused, or that have none to go back to, are left out.
positional: signals, directory, runtime
options:
  _input:
    description: RV(hearth.llm.config_generation#module:services).
    type: list
    elements: dict
    required: true
  signals:
    description: By name, the signal on which a service reads changed files.
    type: dict
    required: true
  directory:
    description: Everything that services keep on the host lies below this directory, C(service_directory) of the role service.
    type: path
    required: true
  runtime:
    description: How the service is run.
    type: str
    choices: [docker, process]
    default: docker
  different:
    description: Names of services whose containers are not as they were left, RV(hearth.llm.service_containers#module:different).
    type: list
    elements: str
    default: []
  knows_cdi:
    description: Whether Docker itself gives GPUs by their CDI names.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show what would be run
  ansible.builtin.debug:
    msg: "{{ written.services | hearth.llm.service_starts({}, '/var/lib/hearth', 'process') }}"
"""

RETURN = r"""
_value:
  description: For each service C(name), whether it is C(due), and its C(program), or its C(container) with C(restart) and C(signal).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._services import starts


def service_starts(
    written: Sequence[Mapping[str, Any]],
    signals: Mapping[str, str],
    directory: str,
    runtime: str = "docker",
    *,
    different: Sequence[str] = (),
    knows_cdi: bool = True,
) -> list[dict[str, Any]]:
    return starts(written, signals, directory, runtime, different=different, knows_cdi=knows_cdi)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_starts": service_starts}
