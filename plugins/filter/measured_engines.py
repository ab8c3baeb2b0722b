# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines of a host that a measurement asks for what they have counted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: measured_engines
short_description: Engines of a host that a measurement asks for what they are and what they have counted
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says where each instance of a model that stays loaded is asked. One that a question would load, or keep loaded, is left out.
positional: directory, loaded_max
options:
  _input:
    description: The host, as the lookup P(hearth.llm.engine_hosts#lookup) says it.
    type: dict
    required: true
  directory:
    description: Where everything of the service lies on the host.
    type: path
    required: true
  loaded_max:
    description: How many models llama.cpp has loaded at the same time.
    type: int
    default: 4
"""

EXAMPLES = r"""
- name: Show who is asked
  ansible.builtin.debug:
    msg: "{{ (query('hearth.llm.engine_hosts', inventory_hostname) | first | hearth.llm.measured_engines('/var/lib/hearth')).counted }}"
"""

RETURN = r"""
_value:
  description:
    - C(counted), a list as O(hearth.llm.load_test#module:engines) is, with C(wants_key) in the place of the key.
    - C(reports), for each engine its name as C(engine), and C(models) as M(hearth.llm.engine_report) takes them.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._load_test.engines import measured_engines

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"measured_engines": measured_engines}
