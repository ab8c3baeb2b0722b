# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to let in for models that are split over several hosts, and what keeps their parts from meeting."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vllm_nodes
short_description: What goes with models that are split over several hosts
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Of models with C(nodes) says what a firewall has to let in on a host, and what is wrong with the hosts.
positional: host
options:
  _input:
    description: The models of a host, such as C(vllm_models).
    type: list
    elements: dict
    required: true
  host:
    description: The name of the host in the inventory.
    type: str
    required: true
  places:
    description: For each host the C(address) and the C(interface) at which it meets the others.
    type: dict
    default: {}
  first_port:
    description: The first of the ports at which the parts of models meet.
    type: int
    default: 28000
  ephemeral_ports:
    description: The ports that the kernel gives away, as a range.
    type: str
    default: 32768-60999
  offers:
    description: >-
      For each host that has been asked C(image), the digests by which Docker knows it; C(fingerprints), that of each model; C(settings), for each model the
      options that were planned.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what a host lets in
  ansible.builtin.debug:
    msg: "{{ (models | hearth.llm.vllm_nodes('gpu1', places=places)).openings }}"
  vars:
    models: [{name: large, nodes: [gpu1, gpu2]}]
    places:
      gpu1: {address: 10.77.0.1, interface: eth1}
      gpu2: {address: 10.77.0.2, interface: eth1}
"""

RETURN = r"""
_value:
  description: >-
    C(split), the names of the models that have nodes; C(openings), as C(firewall_further_ports) of the role P(hearth.llm.firewall#role) takes them;
    C(findings), what keeps the parts from meeting; C(differences), what hosts that were asked have otherwise than the first one.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils import _vllm_nodes


def vllm_nodes(
    models: Sequence[Mapping[str, Any]],
    host: str,
    *,
    places: Mapping[str, Mapping[str, str]] | None = None,
    first_port: int = 28000,
    ephemeral_ports: str = "32768-60999",
    offers: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    there = places or {}
    return {
        "split": [str(model["name"]) for model in models if model.get("nodes")],
        "openings": _vllm_nodes.openings(models, host, there, int(first_port), ephemeral_ports),
        "findings": list(_vllm_nodes.findings(models, host, there)),
        "differences": list(_vllm_nodes.differences(models, offers or {})),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_nodes": vllm_nodes}
