# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards are the host's: a card may be plugged in for a virtual machine, lost, or left alone by the driver. PRIVATE to the collection.

After the kernel's Documentation/PCI/sysfs-pci.rst, Documentation/ABI/testing/sysfs-bus-pci (config, enable, physfn, power_state) and what NVIDIA's driver
shows in /proc/driver/nvidia/gpus (its README, chapter "Using the /proc Filesystem Interface").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

DEVICES = "/sys/bus/pci/devices"
DRIVEN = "/proc/driver/nvidia/gpus"
NVIDIA_DRIVER = "nvidia"
# The driver of a host of virtual GPUs (NVIDIA's vGPU documentation), which brings no CUDA.
VGPU_MANAGER = "/sys/module/nvidia_vgpu_vfio"
# The kernel's own drivers of NVIDIA's cards, which NVIDIA's takes the place of.
KERNEL_DRIVERS = ("nouveau", "nova", "nova_core", "NovaCore", "nvidiafb")
# What holds a card for somebody else, and for whom.
KEEPERS = {
    "igb_uio": "a program that drives it itself",
    "nvgrace-gpu-vfio-pci": "a virtual machine",
    "nvidia-vgpu-vfio": "virtual machines",
    "pci-stub": "a virtual machine",
    "pciback": "a virtual machine (Xen)",
    "uio_pci_generic": "a program that drives it itself",
    "vfio-pci": "a virtual machine",
    "xen-pciback": "a virtual machine (Xen)",
}


@dataclass(frozen=True)
class Ownership:
    """What NVIDIA's driver says of the cards of its maker."""

    # Cards that it drives, or has driven until they were lost, with its numbers for them. None where it is not loaded, or drives none.
    numbers: dict[str, int] = field(default_factory=dict)

    def reason(self, host: Host, address: str) -> str:
        """Why this card of NVIDIA's is not the host's to use, as a part of a sentence; empty where it is."""
        reason = taken(host, address)
        driver = bound_to(host, address)
        if reason:
            return reason
        if driver and driver != NVIDIA_DRIVER and driver not in KERNEL_DRIVERS:
            return f"{driver} holds it, which is no driver for GPUs"
        if "Yes" in _information(host, address).get("GPU Excluded", ""):
            return "NVIDIA's driver has been told to leave it alone (NVreg_ExcludedGpus)"
        if driver == NVIDIA_DRIVER and host.exists(VGPU_MANAGER):
            return "NVIDIA's vGPU manager shares it out among virtual machines, and nothing computes on it here"
        if self.numbers and address not in self.numbers:
            holder = f"{driver} holds it" if driver else "nothing drives it"
            return f"NVIDIA's driver is loaded and does not drive it: {holder}"
        if driver == NVIDIA_DRIVER and host.word(f"{DEVICES}/{address}/enable") == "0":
            return "it is switched off (enable is 0), though NVIDIA's driver holds it"
        return ""


def look(host: Host, addresses: Sequence[str]) -> Ownership:
    listed = sorted(
        name.lower() for name in host.names(DRIVEN) if "Yes" not in _information(host, name).get("GPU Excluded", "")
    )
    if not listed and host.exists("/sys/module/nvidia"):
        listed = [address for address in sorted(addresses) if bound_to(host, address) == NVIDIA_DRIVER]
    return Ownership({address: number for number, address in enumerate(listed)})


def taken(host: Host, address: str) -> str:
    """Why a card of whatever maker is not the host's: others hold it, or it is not there any more."""
    driver = bound_to(host, address)
    if driver in KEEPERS:
        return f"{driver} holds it for {KEEPERS[driver]}"
    owner = host.link(f"{DEVICES}/{address}/physfn").rpartition("/")[2]
    if owner:
        return f"it is a virtual function (SR-IOV) of {owner}, for virtual machines"
    head = host.data(f"{DEVICES}/{address}/config", 4)
    # Asking wakes a card that only sleeps.
    if head == b"\xff\xff\xff\xff":
        return (
            "it does not answer on the bus: it has fallen off it, or has no power. "
            "Look for Xid 79 in the kernel's log (dmesg | grep -i nvrm), and restart the machine"
        )
    if not head and host.word(f"{DEVICES}/{address}/power_state") == "D3cold":
        return "it has no power (D3cold) and does not wake"
    return ""


def bound_to(host: Host, address: str) -> str:
    return host.link(f"{DEVICES}/{address}/driver").rpartition("/")[2]


def _information(host: Host, address: str) -> dict[str, str]:
    lines = (line.partition(":") for line in host.read(f"{DRIVEN}/{address}/information").splitlines())
    return {name.strip(): value.strip() for name, _colon, value in lines}
