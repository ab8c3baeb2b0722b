# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VM in a cloud will be, what it will cost, who may reach it, and everything that is wrong with its description."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cloud_vm_plan
short_description: What a VM in a cloud will be, and what it will cost
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads the description of a VM with the table of machines, and says which machine it will be, with its GPUs, what it costs an hour and a month, and who may
    reach it. Nothing is asked of a cloud.
positional: machines
options:
  _input:
    description:
      - The VM. C(name), C(service), C(tags), C(data_path), C(provider), C(region), C(tier), C(machine_type), C(root_disk_gib), C(data_disk_gib),
        C(ssh_sources), C(client_sources), C(port), C(ssh_from_anywhere), C(static_address), C(spot), C(termination_protection), C(disk_key),
        C(hourly_price), as the inputs of the role C(cloud_vm).
    type: dict
    required: true
  machines:
    description: The table of machines, C(tiers), C(machines) and C(prices) by provider.
    type: dict
    required: true
  found:
    description: >-
      The VM that is there, C(machine_type), its C(volumes) as C(amazon.aws.ec2_vol_info) gives them, and the names of its disks, C(root_device) and
      C(data_device). Empty where there is none.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what it would cost
  ansible.builtin.debug:
    msg: "{{ (vm | hearth.llm.cloud_vm_plan(machines)).cost }}"
"""

RETURN = r"""
_value:
  description:
    - C(findings), sentences that name the variable, the value and the remedy; empty where all is well.
    - C(machine_type), C(gpus) (C(index), C(name), C(memory_bytes)), C(cpus), C(memory_bytes) of the machine, unknown ones without GPUs.
    - C(cost), C(hourly) and C(monthly) in USD (C(hourly) is null where no price is known), C(parts), C(source).
    - C(differences), parts of a sentence, where O(found) is not as described and cannot be changed without losing it.
    - C(resource), C(own_tags) and C(tags), by which all that belongs to it is found again, C(gcp), with C(resource) and C(labels), the same as Google wants
      them, and C(mount_unit), systemd's name for where the data disk is mounted.
    - C(rules), a list of C(port), C(protocol), C(comment), and C(ipv4) or C(ipv6), the networks.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._cloud_vm_plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cloud_vm_plan": plan}
