# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role service writes, waits for and looks at, for each of its services."""

from __future__ import annotations

DOCUMENTATION = r"""
name: service_plan
short_description: What the modules are told of services
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns the definitions of services into what M(hearth.llm.config_generation) and M(hearth.llm.service_health) are told of them.
  - What an item does not say of itself, O(common) says. The files of O(common) are not repeated; the module puts them before the item's own.
positional: common, directory, runtime
options:
  _input:
    description: The services, C(service_items) of the role service.
    type: list
    elements: dict
    required: true
  common:
    description: What holds for all of them, the variables of the role service without C(service_).
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
"""

EXAMPLES = r"""
- name: Show what would be written
  ansible.builtin.debug:
    msg: "{{ ([{'name': 'echo'}] | hearth.llm.service_plan(common, '/var/lib/hearth')).services | map(attribute='generation') }}"
"""

RETURN = r"""
_value:
  description: C(services), for each its C(name), C(generation), C(health), C(reload_signal), C(gpus) and C(python_requirements), and C(findings), sentences.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._services import findings, planned


def service_plan(
    items: Sequence[Mapping[str, Any]], common: Mapping[str, Any], directory: str, runtime: str = "docker"
) -> dict[str, Any]:
    found = list(findings(items, common, runtime))
    return {"services": [] if found else planned(items, common, directory, runtime), "findings": found}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_plan": service_plan}
