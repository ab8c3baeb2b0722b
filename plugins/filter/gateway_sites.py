# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which name the gateway publishes each frontend, and where it finds it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_sites
short_description: Under which name the gateway publishes each frontend
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the description of all frontends, C(hearth_frontends), and says where the roles of this collection let them listen, and what of them
    does not exist for clients.
positional: domain, runtime
options:
  _input:
    description: The frontends, C(hearth_frontends). Each may have a C(domain) of its own.
    type: dict
    required: true
  domain:
    description: The name of a frontend that has none of its own.
    type: str
    required: true
  runtime:
    description: How the frontends are run.
    type: str
    choices: [docker, process]
    required: true
"""

EXAMPLES = r"""
- name: Show where the frontends are published
  ansible.builtin.debug:
    msg: "{{ {'open_webui': {'domain': 'chat.example.org'}} | hearth.llm.gateway_sites('llm.example.org', 'docker') }}"
"""

RETURN = r"""
_value:
  description: For each frontend its C(address), C(host:port), its C(domains) and its C(closed_paths).
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ansible_collections.hearth.llm.plugins.plugin_utils._records import records


class Frontend(NamedTuple):
    # In its container, and on loopback where it is a process of the host.
    container_port: int
    host_port: int
    closed_paths: tuple[str, ...] = ()


FRONTENDS = {
    # What AnythingLLM answers to anybody who asks: it writes its settings, secrets among them, to its disk.
    "anythingllm": Frontend(3001, 13001, ("/api/env-dump", "/api/v1/system/env-dump")),
    "open_webui": Frontend(8080, 13080),
}


def gateway_sites(
    frontends: Mapping[str, Mapping[str, Any] | None], domain: str, runtime: str
) -> dict[str, dict[str, Any]]:
    known = [name for name in sorted(FRONTENDS) if isinstance(frontends, Mapping) and name in frontends]
    own = records(frontends)
    domains = {name: str(own[name].get("domain", domain) if name in own else domain) for name in known}
    return {
        name: {
            "address": _address(name, runtime),
            "domains": [domains[name]],
            "closed_paths": list(FRONTENDS[name].closed_paths),
        }
        for name in known
    }


def _address(name: str, runtime: str) -> str:
    """A container is known by its service's name in the network that it shares with the gateway."""
    frontend = FRONTENDS[name]
    return f"{name}:{frontend.container_port}" if runtime == "docker" else f"127.0.0.1:{frontend.host_port}"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_sites": gateway_sites}
