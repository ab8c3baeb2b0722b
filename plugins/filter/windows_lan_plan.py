# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done until others of the LAN reach the distribution on a Windows PC."""

from __future__ import annotations

DOCUMENTATION = r"""
name: windows_lan_plan
short_description: What has to be done until others reach the distribution on a Windows PC
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns what the role P(hearth.llm.windows_host#role) has found on a PC into a plan for its firewalls, its proxy and its hosts file, or into the reasons
    why there can be none. It looks at nothing else.
options:
  _input:
    description: What C(facts.ps1) of the role has said.
    type: dict
    required: true
  distribution:
    description: Name of the distribution.
    type: str
    required: true
  ports:
    description: What is opened, each with C(port), and C(sources) and C(protocol) where they differ. Only single ports of TCP can be.
    type: list
    elements: dict
    required: true
  sources:
    description: Networks for which a port without C(sources) of its own is open. Empty is all private networks.
    type: list
    elements: str
    default: []
  names:
    description: Names that lead the PC to itself.
    type: list
    elements: str
    default: []
  network:
    description: How the LAN comes to the distribution.
    type: str
    choices: [auto, mirrored, nat]
    default: auto
  docker:
    description: Whose Docker it has.
    type: str
    choices: [engine, desktop]
    default: engine
  has_password:
    description: Whether the Windows password of the user who connects is known, so that a task can begin before he logs in.
    type: bool
    default: false
  state:
    description: With V(absent), what has to be done to take away what was done.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: >-
      {{ (windows_host_found
          | hearth.llm.windows_lan_plan(distribution='Ubuntu-24.04', ports=[{'port': 443}], sources=['192.168.0.0/16'])).steps | map(attribute='words') }}
"""

RETURN = r"""
_value:
  description:
    - C(verdict) is V(keep) where all is well, V(act), or V(refuse) with the C(refusals); C(notes) are what the owner should know.
    - C(steps) have C(kind), C(words) for people, and C(settings) for tasks.
    - C(network) is how the LAN comes to the distribution, V(mirrored), V(nat) or V(desktop). C(group) is that of our rules, C(directory) what a task runs
      from, and C(proxy) what it leads where.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._windows.lan import Wishes, plan
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.rules import openings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def windows_lan_plan(
    found: Mapping[str, Any],
    *,
    distribution: str,
    ports: Sequence[Mapping[str, Any]],
    sources: Sequence[str] = (),
    names: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    return plan(found, Wishes(distribution, tuple(names), openings_of(ports, sources), **more))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"windows_lan_plan": windows_lan_plan}
