# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every port of a host on which something of the description will listen."""

from __future__ import annotations

DOCUMENTATION = r"""
name: described_ports
short_description: Every port of a host on which something of the description will listen
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says which TCP ports the gateway, the engines, the frontends and the collector of traces of a description will take, each with its purpose
    and the variable that says it, as M(hearth.llm.preflight_info) wants them.
options:
  _input:
    description: >-
      C(runtime), C(engines) and C(frontends), as P(hearth.llm.rooms#lookup) tells them, C(otel_collector), and the addresses
      and ports, by the names of the inputs of the roles, such as C(gateway_metrics_port).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which ports will be taken
  ansible.builtin.debug:
    msg: "{{ preflight_ports }}"
  vars:
    preflight_ports: "{{ description | hearth.llm.described_ports }}"
"""

RETURN = r"""
_value:
  description: Dictionaries with C(address), C(port), C(purpose) and C(variable).
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def described_ports(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(_ports(description))


def _ports(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    def port(purpose: str, address: str, name: str, variable: str = "") -> dict[str, Any]:
        return {"address": said[address], "port": said[name], "purpose": purpose, "variable": variable or name}

    yield port("gateway", "gateway_address", "gateway_port", "hearth_port")
    yield port("gateway's metrics", "gateway_metrics_address", "gateway_metrics_port")
    if int(said["gateway_redirect_port"]) > 0:
        yield port("gateway's redirect to HTTPS", "gateway_address", "gateway_redirect_port")
    for room in said["engines"]:
        # As processes, engines listen on sockets in the directory.
        if room["described"] and said["runtime"] == "docker":
            engine = engines()[room["name"]]
            for name, number in engine.ports(room["models"], int(room["port"])).items():
                purpose = f"engine of {engine.title if engine.shared else name}"
                yield {**_at(room, purpose), "port": number}
                if engine.shared:
                    break
    yield from (_at(room, f"pages of {room['title']}") for room in said["frontends"] if room["described"])
    if said["otel_collector"]:
        yield port("health of the collector of traces", "otel_collector_address", "otel_collector_health_port")
        yield port("metrics of the collector of traces", "otel_collector_address", "otel_collector_metrics_port")


def _at(room: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    return {"address": room["address"], "port": room["port"], "purpose": purpose, "variable": room["port_variable"]}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"described_ports": described_ports}
