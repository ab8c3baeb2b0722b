# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may answer at the door of a host, and what has to be closed there."""

from __future__ import annotations

DOCUMENTATION = r"""
name: exposure_plan
short_description: What may answer on a host, and what has to be closed at the gateway and at the frontends beside it
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes C(sites), C(closed_paths) and C(tolerated_ports) of M(hearth.llm.exposure_proof) from what the filter P(hearth.llm.gateway_sites#filter) says.
  - A frontend that has the gateway's own name shows a page of its own under every path that is not below C(/v1). Only what is below it, and what
    the frontend itself must not show, can be asked for there.
positional: url, ports
options:
  _input:
    description: The sites of the gateway, by name.
    type: dict
    required: true
  url:
    description: Base of the API as clients reach it.
    type: str
    required: true
  ports:
    description: Further ports that may answer, numbers, or dictionaries with C(port), a number or a range, and C(protocol), as C(hearth_open_ports) has them.
    type: list
    elements: raw
    default: []
"""

EXAMPLES = r"""
- name: Show what has to be closed
  ansible.builtin.debug:
    msg: "{{ hearth_frontends | hearth.llm.gateway_sites('llm.example.org', 'docker') | hearth.llm.exposure_plan('https://llm.example.org/v1') }}"
"""

RETURN = r"""
_value:
  description: C(sites), each with C(url) and C(closed_paths); C(closed_paths) of the gateway, empty where the usual ones hold; C(tolerated_ports), TCP ports.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_openings import firewall_openings

# What engines have below /v1, and what a path may turn into.
BELOW_API = (
    "/v1/slots",
    "/v1/metrics",
    "/v1/props",
    "/v1/../slots",
    "POST /v1/load_lora_adapter",
    "POST /v1/unload_lora_adapter",
)


def exposure_plan(
    sites: Mapping[str, Mapping[str, Any]], url: str, ports: Sequence[int | Mapping[str, Any]] = ()
) -> dict[str, Any]:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    elsewhere: list[dict[str, Any]] = []
    closed: list[str] = []
    for site in sites.values():
        for domain in site["domains"]:
            if domain.lower() == (parts.hostname or ""):
                closed = [*BELOW_API, *site["closed_paths"]]
            else:
                elsewhere.append({"url": f"https://{domain}{port}", "closed_paths": site["closed_paths"]})
    return {"sites": elsewhere, "closed_paths": closed, "tolerated_ports": _tcp(ports)}


def _tcp(ports: Sequence[int | Mapping[str, Any]]) -> list[int]:
    openings = firewall_openings([port if isinstance(port, Mapping) else {"port": port} for port in ports], [])
    return [
        port
        for opening in openings
        if opening["protocol"] == "tcp"
        for port in range(opening["first"], opening["last"] + 1)
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"exposure_plan": exposure_plan}
