# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done until containers can use a host's GPUs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nvidia_plan
short_description: What has to be done until containers can use a host's NVIDIA GPUs
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns what M(hearth.llm.gpu_info) has found into a plan, or into the reasons why there can be none. It looks at nothing else.
  - A driver that works is kept, whoever has installed it. Nothing is ever installed in WSL, in a container, or over the driver of a cloud's image.
  - On Ubuntu the modules that Ubuntu has built and signed come first; on Debian and the family of RHEL the driver comes from NVIDIA's repository.
options:
  _input:
    description: What M(hearth.llm.gpu_info) returned.
    type: dict
    required: true
  branch:
    description: Branch of the driver, should one have to be installed.
    type: int
    required: true
  flavour:
    description: Kernel modules, V(open) or V(proprietary). V(auto) takes those that drive the cards, and the open ones where both do.
    type: str
    choices: [auto, open, proprietary]
    default: auto
  source:
    description: Where the driver comes from. V(auto) is V(ubuntu) on Ubuntu and V(cuda) elsewhere.
    type: str
    choices: [auto, ubuntu, cuda]
    default: auto
  secure_boot_dkms:
    description: Whether modules may be built here although Secure Boot is on.
    type: bool
    default: false
  reboot_allowed:
    description: Whether the machine may be restarted.
    type: bool
    default: false
  upgrade:
    description: Whether a driver that works is brought to the newest version of O(branch).
    type: bool
    default: false
  required:
    description: Whether it is an error if there is no GPU.
    type: bool
    default: false
  containers:
    description: Whether containers shall have the GPUs.
    type: bool
    default: true
  toolkit_version:
    description: Version of NVIDIA's container toolkit, should one have to be installed.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ (gpu | hearth.llm.nvidia_plan(branch=580, toolkit_version='1.20.0-1')).steps }}"
"""

RETURN = r"""
_value:
  description:
    - C(verdict) is V(nothing) where there is no GPU, V(keep) where all is well, V(act), or V(refuse) with the C(refusals).
    - C(reason) is why; C(steps) what would be done, in sentences.
    - C(install), C(source), C(branch), C(flavour), C(hold), C(activate) and C(toolkit) are the same for programs.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._nvidia_plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def nvidia_plan(
    found: Mapping[str, Any],
    *,
    branch: int,
    toolkit_version: str,
    flavour: str = "auto",
    source: str = "auto",
    secure_boot_dkms: bool = False,
    reboot_allowed: bool = False,
    upgrade: bool = False,
    required: bool = False,
    containers: bool = True,
) -> dict[str, Any]:
    options = {name: value for name, value in locals().items() if name != "found"}
    return plan(found, options)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"nvidia_plan": nvidia_plan}
