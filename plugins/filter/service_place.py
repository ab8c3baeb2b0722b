# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the role service keeps what belongs to a service, for those who look at it from outside."""

from __future__ import annotations

DOCUMENTATION = r"""
name: service_place
short_description: Where a service has its things
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says where the role service keeps a service's files, how its container is called, and where it logs. Who looks at a service uses this, and guesses nothing.
positional: directory, runtime
options:
  _input:
    description: Name of the service.
    type: str
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
- name: Show the last words of the gateway
  ansible.builtin.command:
    argv: [docker, logs, --tail, "5", "{{ ('gateway' | hearth.llm.service_place('/var/lib/hearth')).container }}"]
"""

RETURN = r"""
_value:
  description: >-
    C(files), the directory of its files on the host, C(config), the same as the service itself sees it, C(container), the name of its container, and C(log),
    the file that takes what it says with the runtime V(process).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._services import Place


def service_place(name: str, directory: str, runtime: str = "docker") -> dict[str, str]:
    place = Place(name, directory, runtime)
    return {"files": place.files, "config": place.config, "container": place.container, "log": place.log}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"service_place": service_place}
