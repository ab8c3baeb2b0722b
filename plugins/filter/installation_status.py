# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an installation is at this moment, for programs and for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: installation_status
short_description: Tell how an installation is at this moment
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Puts together what M(hearth.llm.gateway_status_info) and M(hearth.llm.host_status_info) have seen, and what is known of API keys.
positional: hosts, keys, now
options:
  _input:
    description: Gateways, host → what M(hearth.llm.gateway_status_info) says of it.
    type: dict
    required: true
  hosts:
    description: Hosts, host → what M(hearth.llm.host_status_info) says of it, or its C(msg) and C(unreachable) where it could not be reached.
    type: dict
    required: true
  keys:
    description: The valid texts of API keys, as P(hearth.llm.gateway_key_hashes#lookup) gives them.
    type: list
    elements: dict
    required: true
  now:
    description: The moment, seconds since 1970.
    type: float
    required: true
seealso:
  - plugin: hearth.llm.diagnosis
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Say how the installation is
  ansible.builtin.debug:
    msg: "{{ ({'llm': gateway} | hearth.llm.installation_status({'llm': host}, [], now(utc=true).timestamp())).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(time), C(gateways), C(hosts) and C(keys), as docs/status.md has them; C(down), what does not run, each a part of a sentence; C(lines), all of it for
      people.
  type: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._status.document import document, down
from ansible_collections.hearth.llm.plugins.plugin_utils._status.words import lines

Told = Mapping[str, Any]


def installation_status(
    gateways: Mapping[str, Told], hosts: Mapping[str, Told], keys: Iterable[Told], now: float
) -> dict[str, Any]:
    told = document(gateways, hosts, keys, float(now))
    return {**told, "down": down(told), "lines": lines(told)}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"installation_status": installation_status}
