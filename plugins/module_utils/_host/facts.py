# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a host by more than one module. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# More memory than any host has: version 1 of control groups says "no limit" with a number that is larger still.
NO_LIMIT = 1 << 60
# Makers of virtual machines, by what their firmware calls itself.
HYPERVISORS = {
    "QEMU": "qemu",
    "KVM": "kvm",
    "VMware": "vmware",
    "VirtualBox": "virtualbox",
    "innotek": "virtualbox",
    "Xen": "xen",
    "Microsoft Corporation": "hyperv",
    "Amazon EC2": "amazon",
    "Google": "google",
    "Hetzner": "hetzner",
    "DigitalOcean": "digitalocean",
}


def memory_bytes(host: Host) -> int:
    """What the machine has, or the control group that we are in allows."""
    limits = (host.word(f"/sys/fs/cgroup/{name}") for name in ("memory.max", "memory/memory.limit_in_bytes"))
    limit = min((int(limit) for limit in limits if limit.isdigit()), default=NO_LIMIT)
    return min(host.numbers("/proc/meminfo").get("MemTotal", 0), limit)


def virtualisation(host: Host) -> str:
    """Names as systemd-detect-virt has them, which not every host has."""
    if host.is_wsl:
        modern = "wsl2" in host.word("/proc/sys/kernel/osrelease").lower() or host.exists("/run/WSL")
        return "wsl2" if modern else "wsl1"
    if host.container:
        return host.container
    firmware = " ".join(
        host.word(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name", "board_vendor")
    )
    for maker, kind in HYPERVISORS.items():
        # Microsoft, Google and Amazon sell machines of metal, too: the processor knows.
        if maker in firmware and "hypervisor" in host.cpu.get("flags", "").split():
            return kind
    if "hypervisor" in host.cpu.get("flags", "").split():
        return "vm-other"
    return host.word("/sys/hypervisor/type") or "none"
