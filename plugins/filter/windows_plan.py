# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done until a distribution runs on a Windows PC."""

from __future__ import annotations

DOCUMENTATION = r"""
name: windows_plan
short_description: What has to be done until a distribution of WSL runs on a Windows PC
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns what the role P(hearth.llm.windows_host#role) has found on a PC into a plan, or into the reasons why there can be none. It looks at nothing else.
  - Nothing is ever removed or moved whose name O(remove) or O(move) does not have, and no feature of Windows is ever switched off.
options:
  _input:
    description: What C(facts.ps1) of the role has said.
    type: dict
    required: true
  distribution:
    description: Name of the distribution.
    type: str
    required: true
  disk:
    description: Directory in which it shall have one of its own. Empty leaves it to WSL.
    type: str
    default: ''
  disk_size:
    description: To what its virtual disk may grow when it is installed anew, such as V(500G).
    type: str
    default: ''
  memory:
    description: Memory that all distributions may take together.
    type: str
    default: ''
  processors:
    description: Processors that they may use. V(0) is all.
    type: int
    default: 0
  network:
    description: How the LAN comes to it.
    type: str
    choices: [auto, mirrored, nat]
    default: auto
  docker:
    description: Whose Docker it has.
    type: str
    choices: [engine, desktop]
    default: engine
  restart_allowed:
    description: Whether the PC may be restarted.
    type: bool
    default: false
  has_password:
    description: Whether the Windows password of the user who connects is known, so that a task can begin before he logs in.
    type: bool
    default: false
  move:
    description: Name of a distribution that may be moved to O(disk).
    type: str
    default: ''
  remove:
    description: Name of a distribution that may be removed with everything in it, with O(state=absent).
    type: str
    default: ''
  gpu_policy:
    description: Whether there has to be a card.
    type: str
    choices: [auto, required, none]
    default: auto
  minimum_driver:
    description: The oldest NVIDIA driver that will do.
    type: str
    default: '580'
  state:
    description: With V(absent), what has to be done to take away what was done.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ (windows_host_found | hearth.llm.windows_plan(distribution='Ubuntu-24.04', disk='N:\\WSL')).steps | map(attribute='words') }}"
"""

RETURN = r"""
_value:
  description:
    - C(verdict) is V(keep) where all is well, V(act), or V(refuse) with the C(refusals); C(notes) are what the owner should know.
    - C(steps) have C(kind), C(words) for people, and C(settings) for tasks.
    - C(network) is how the LAN comes to the distribution, V(mirrored), V(nat) or V(desktop); C(program) is wsl.exe, C(folder) where tasks are
      scheduled.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._sizes import size_bytes
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.plan import plan
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def windows_plan(
    found: Mapping[str, Any],
    *,
    distribution: str,
    disk_size: str | int = "",
    memory: str | int = "",
    **more: Any,
) -> dict[str, Any]:
    cap = size_bytes(disk_size) if disk_size else 0
    most = size_bytes(memory) if memory else 0
    return plan(found, Wishes(distribution, disk_size_bytes=cap, memory_bytes=most, **more))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"windows_plan": windows_plan}
