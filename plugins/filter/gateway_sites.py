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
positional: domain, runtime, listening
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
  listening:
    description: >-
      Where they listen on the host, C(name), C(address) and C(port), as P(hearth.llm.rooms#lookup) tells it. The usual ports where it is not given.
    type: list
    elements: dict
    default: []
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

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records


def gateway_sites(
    described: Mapping[str, Mapping[str, Any] | None],
    domain: str,
    runtime: str,
    listening: Sequence[Mapping[str, Any]] = (),
) -> dict[str, dict[str, Any]]:
    known = {
        name: frontend for name, frontend in frontends().items() if isinstance(described, Mapping) and name in described
    }
    own = records(described)
    told = {str(room["name"]): room for room in listening}
    return {
        name: {
            "address": frontend.address(
                runtime,
                address=str(told.get(name, {}).get("address", "127.0.0.1")),
                port=int(told.get(name, {}).get("port", frontend.port)),
            ),
            "domains": [str(own[name].get("domain", domain) if name in own else domain)],
            "closed_paths": list(frontend.closed_paths),
        }
        for name, frontend in known.items()
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_sites": gateway_sites}
