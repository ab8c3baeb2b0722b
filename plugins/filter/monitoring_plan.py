# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the role monitoring."""

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring_plan
short_description: What Prometheus and Grafana are told of an installation
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes of how hosts are described what stands in the files of Prometheus and Grafana.
positional: name, limits, prometheus_host, key_file
options:
  _input:
    description:
      - The hosts, each with C(name), C(runtime), C(models), C(ports) (of each engine the first), C(loaded_max), C(engine_address), and C(gateway),
        C(node_exporter) and C(dcgm_exporter), each with C(address) and C(port), or empty.
    type: list
    elements: dict
    required: true
  name:
    description: What the installation is called.
    type: str
    required: true
  limits:
    description: When somebody is told, as the role P(hearth.llm.monitoring#role) names it, without C(monitoring_).
    type: dict
    required: true
  prometheus_host:
    description: The host on which Prometheus runs. Empty for another machine.
    type: str
    default: ""
  key_file:
    description: The file with the engines' key, where Prometheus runs.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what is not watched
  ansible.builtin.debug:
    msg: "{{ (hosts | hearth.llm.monitoring_plan('llm.example.com', limits)).left_out }}"
"""

RETURN = r"""
_value:
  description: C(prometheus), C(rules) and C(dashboard), what stands in the files; and C(left_out), sentences that say what is not watched.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.plan import monitoring_plan

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"monitoring_plan": monitoring_plan}
