# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a firewall would lock out the connection by which it is being set up."""

from __future__ import annotations

DOCUMENTATION = r"""
name: firewall_lockouts
short_description: Whether a firewall would lock out the connection in use
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Looks whether the SSH connection in use could be made again through the openings.
positional: connection
options:
  _input:
    description: The openings, as P(hearth.llm.firewall_openings#filter) gives them.
    type: list
    elements: dict
    required: true
  connection:
    description: RV(hearth.llm.firewall_info#module:connection) of M(hearth.llm.firewall_info), or nothing where it is no SSH connection.
    type: dict
"""

EXAMPLES = r"""
- name: Refuse rules that would lock us out
  ansible.builtin.assert:
    that: lockouts | length == 0
    fail_msg: "{{ lockouts | join(' ') }}"
  vars:
    lockouts: "{{ firewall_open_ports | hearth.llm.firewall_openings(lan) | hearth.llm.firewall_lockouts(info.connection) }}"
    lan: [192.168.0.0/16]
"""

RETURN = r"""
_value:
  description: One sentence for each reason, with what to do. Empty where nothing stands in the way.
  type: list
  elements: str
"""

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def firewall_lockouts(openings: Iterable[Mapping[str, Any]], connection: Mapping[str, Any] | None) -> list[str]:
    if not connection:
        return []
    port, client = int(connection["server_port"]), ip_address(connection["client_address"])
    if client.version == 6 and client.ipv4_mapped:
        client = client.ipv4_mapped
    if client.is_loopback:
        return []
    fitting = [
        opening for opening in openings if opening["protocol"] == "tcp" and opening["first"] <= port <= opening["last"]
    ]
    if not fitting:
        return [f"This very connection goes to port {port}, which would be closed: set firewall_ssh_port to {port}."]
    sources = [source for opening in fitting for source in opening["sources"][f"ipv{client.version}"]]
    if any(client in ip_network(source) for source in sources):
        return []
    named = ", ".join(sources) or f"no IPv{client.version} address at all"
    return [
        f"This very connection comes from {client}, and port {port} would be open to {named}: add {client} to firewall_ssh_sources."
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"firewall_lockouts": firewall_lockouts}
