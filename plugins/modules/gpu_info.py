#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which GPUs a host has, what drives them, and what stands between them and containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_info
short_description: Say which GPUs a host has and what state their driver is in
version_added: 1.0.0
description:
  - Lists the graphics cards of a host by the kernel's own files, so that it works before there is any driver, and looks at the driver,
    Secure Boot, WSL, clouds that bring a driver of their own, NVIDIA's container toolkit and the devices that CDI names.
  - Programs are asked only where there is a card of NVIDIA's, and none of them is waited for longer than O(timeout_seconds). On a host without
    a GPU a few files are read and nothing else happens.
  - Cards of AMD and Intel are named; only those of NVIDIA are judged.
  - A card that is plugged in and not the host's is left out and named. It is held for a virtual machine (C(vfio-pci) and its kind), a virtual function,
    lost from
    the bus, or not driven by the driver that is loaded.
author: hearth.llm contributors (@hearth-llm)
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  minimum_version:
    description:
      - The oldest driver that will do, such as V(580) or V(580.95.05).
      - The default is what images with CUDA 13 need (NVIDIA's CUDA compatibility guide).
    type: str
    default: "580"
  timeout_seconds:
    description: How long C(nvidia-smi) may take, in seconds. A driver in trouble lets it wait for ever.
    type: float
    default: 30
  root:
    description: Where the host's files lie, for instance a mounted disk or an image. Programs are taken from below it as well.
    type: path
    default: /
seealso:
  - module: hearth.llm.preflight_info
"""

EXAMPLES = r"""
- name: Look which GPUs there are
  hearth.llm.gpu_info:
  register: gpu

- name: Stop unless they can be used
  ansible.builtin.assert:
    that: gpu.usable
    fail_msg: "{{ gpu.reason }}"
"""

RETURN = r"""
state:
  description:
    - What it comes to. V(none), no GPU that we could use. V(fine), all is well. V(not_installed), the driver or its programs are missing.
      V(needs_reboot), the driver is installed, but not in the kernel. V(too_old), older than O(minimum_version) or than the card.
      V(wrong_flavour), the card needs the other kernel modules. V(library_mismatch), updated without a reboot. V(broken), loaded, but
      without an answer. V(wsl), the driver is that of Windows. V(cloud_managed), the driver is that of the cloud's image.
  returned: success
  type: str
  sample: needs_reboot
reason:
  description: Why the state is what it is, in sentences, with what to do where we may not do it ourselves.
  returned: success
  type: str
  sample: Driver 580.95.05 is installed, but nouveau holds the card.
usable:
  description: Whether the driver answers, is new enough, and has at least one GPU.
  returned: success
  type: bool
gpus:
  description: The graphics cards that are the host's to use, NVIDIA's in the order in which C(nvidia-smi) and CDI number them.
  returned: success
  type: list
  elements: dict
  contains:
    index: {description: "Number among those of its vendor, as C(nvidia-smi) and CDI count them.", type: int, returned: always, sample: 0}
    name: {description: What it is called., type: str, returned: always, sample: NVIDIA L40S}
    vendor: {description: "One of V(nvidia), V(amd), V(intel).", type: str, returned: always, sample: nvidia}
    pci_address: {description: Where it is plugged in., type: str, returned: always, sample: "0000:01:00.0"}
    device_id: {description: Its number among those of its vendor., type: str, returned: always, sample: 26b9}
    memory_bytes: {description: How much memory it has. None if nobody says., type: int, returned: always, sample: 48305799168}
    memory_free_bytes: {description: How much of it is free. None without a driver., type: int, returned: always, sample: 47700770816}
    memory_source:
      description: Who says how much memory it has, V(driver) or our V(table) of cards, which is a little too high for some. Empty if nobody does.
      type: str
      returned: always
      sample: driver
    uuid: {description: The driver's own name for it., type: str, returned: always}
    driver: {description: The module of the kernel that holds it., type: str, returned: always, sample: nouveau}
    architecture: {description: NVIDIA's name of its generation., type: str, returned: always, sample: ada}
    open_modules:
      description: Whether NVIDIA's open kernel modules drive it, V(required), V(supported) or V(unsupported).
      type: str
      returned: always
      sample: supported
    first_branch: {description: The first branch of the driver that knows it., type: int, returned: always, sample: 525}
    last_branch: {description: The last one that does. None if there will be more., type: int, returned: always}
    mig:
      description: "Whether it is cut into parts (RV(ignore:enabled)), and into which (RV(ignore:devices): index, profile, uuid, memory_bytes)."
      type: dict
      returned: always
      sample: {enabled: false, devices: []}
left_out:
  description: Graphics cards that are plugged in and not the host's to use.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: What it is called., type: str, returned: always, sample: NVIDIA GeForce RTX 4090}
    vendor: {description: "One of V(nvidia), V(amd), V(intel).", type: str, returned: always, sample: nvidia}
    pci_address: {description: Where it is plugged in., type: str, returned: always, sample: "0000:02:00.0"}
    device_id: {description: Its number among those of its vendor., type: str, returned: always, sample: "2684"}
    driver: {description: The module of the kernel that holds it., type: str, returned: always, sample: vfio-pci}
    reason: {description: "Why, as a part of a sentence.", type: str, returned: always, sample: vfio-pci holds it for a virtual machine}
driver:
  description: NVIDIA's driver.
  returned: success
  type: dict
  contains:
    loaded: {description: Version of the module in the kernel. Empty if there is none., type: str, returned: always, sample: 580.95.05}
    flavour: {description: "Whether that module is V(open) or V(proprietary).", type: str, returned: always, sample: open}
    installed:
      description: Modules on the disk, each with RV(ignore:kernel), RV(ignore:version) and RV(ignore:flavour), the newest kernel last.
      type: list
      elements: dict
      returned: always
    library: {description: Version of the library that programs use., type: str, returned: always, sample: 580.95.05}
    packages: {description: Installed packages that have to do with it., type: dict, returned: always}
    held: {description: Those of them that are held back from updates., type: list, elements: str, returned: always}
    nouveau: {description: Whether the kernel's own driver is loaded., type: bool, returned: always}
    device_nodes: {description: The devices through which programs reach it., type: list, elements: str, returned: always}
    wanted_flavour:
      description: Which kernel modules drive all cards. Empty if there is none, or no driver drives all of them.
      type: str
      returned: always
      sample: open
nvidia_smi:
  description: "What C(nvidia-smi) said: RV(ignore:found), RV(ignore:works), RV(ignore:message), RV(ignore:seconds), RV(ignore:version)."
  returned: success
  type: dict
  sample: {found: true, works: false, message: "Failed to initialize NVML: Driver/library version mismatch", seconds: 0.03, version: ""}
container_toolkit:
  description: "NVIDIA's four packages: RV(ignore:packages), their RV(ignore:version), and whether they are RV(ignore:complete) and of one version."
  returned: success
  type: dict
  sample: {packages: {}, version: "", complete: false}
cdi:
  description: Names of devices that containers can ask for.
  returned: success
  type: list
  elements: str
  sample: [nvidia.com/gpu=0, nvidia.com/gpu=all]
system:
  description: >-
    What a plan has to know of the host: RV(ignore:id), RV(ignore:version), RV(ignore:like), RV(ignore:kernel), RV(ignore:kernels),
    RV(ignore:architecture), RV(ignore:secure_boot), RV(ignore:virtualisation), RV(ignore:cloud),
    RV(ignore:nvswitch).
  returned: success
  type: dict
  sample: {id: ubuntu, version: "24.04", kernel: 6.8.0-60-generic, secure_boot: false, cloud: "", nvswitch: false}
report:
  description: The GPUs as a table for people.
  returned: success
  type: str
"""

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._gpu.survey import look
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module


def argument_spec() -> dict[str, Any]:
    return {
        "minimum_version": {"type": "str", "default": "580"},
        "timeout_seconds": {"type": "float", "default": 30},
        "root": {"type": "path", "default": "/"},
    }


def run(params: dict[str, Any], host: Host) -> dict[str, Any]:
    return look(host, params["minimum_version"], params["timeout_seconds"])


def main() -> None:
    run_module(lambda module: run(module.params, Host(module.params["root"])), argument_spec())


if __name__ == "__main__":
    main()
