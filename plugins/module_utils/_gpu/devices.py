# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphics cards, as the kernel lists them: no driver and no program is needed. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._gpu import ownership
from ansible_collections.hearth.llm.plugins.module_utils._gpu.cards import NVIDIA, VENDORS, nvidia_card

if TYPE_CHECKING:
    from typing import Any

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# Displays (0x0300), and cards that can only compute (0x0302 and, of AMD and Intel, 0x0380 and 0x1200).
GPU_CLASSES = ("0x0300", "0x0302", "0x0380", "0x1200")
BRIDGE_CLASS = "0x0680"
DEVICES = ownership.DEVICES


@dataclass(frozen=True)
class Mig:
    """A card cut into parts, each of which is a GPU of its own for those who use it."""

    enabled: bool = False
    devices: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Gpu:
    index: int
    name: str
    vendor: str
    pci_address: str
    device_id: str
    memory_bytes: int | None
    memory_free_bytes: int | None = None
    # Who says so: the driver, or the table of cards.
    memory_source: str = ""
    uuid: str = ""
    driver: str = ""
    architecture: str = ""
    open_modules: str = ""
    first_branch: int | None = None
    last_branch: int | None = None
    mig: Mig = field(default_factory=Mig)

    @property
    def is_nvidia(self) -> bool:
        return self.vendor == "nvidia"


@dataclass(frozen=True)
class LeftOut:
    """A card that is plugged in and not the host's to use, and why."""

    name: str
    vendor: str
    pci_address: str
    device_id: str
    driver: str
    reason: str


def survey(host: Host) -> tuple[list[Gpu], list[LeftOut]]:
    """The GPUs that are the host's, and those that are plugged in and are not.

    In the order of their PCI addresses, in which nvidia-smi and CDI number them as well. Each vendor's begin at 0; NVIDIA's are counted as its driver
    counts them, where that is loaded: one that it has lost keeps its number.
    """
    found: list[Gpu] = []
    left: list[LeftOut] = []
    places = _places(host)
    nvidia = ownership.look(host, [address for address, vendor_id in places if vendor_id == NVIDIA])
    for address, vendor_id in places:
        vendor = VENDORS[vendor_id]
        counted = sum(1 for gpu in found if gpu.vendor == vendor)
        number = nvidia.numbers.get(address, counted) if vendor_id == NVIDIA else counted
        gpu = _gpu(host, f"{DEVICES}/{address}", address, vendor_id, number)
        reason = nvidia.reason(host, address) if vendor_id == NVIDIA else ownership.taken(host, address)
        if reason:
            left.append(left_out(gpu, reason))
        else:
            found.append(gpu)
    return found, left


def without_outdated(gpus: list[Gpu], oldest_branch: int, *, numbered: bool) -> tuple[list[Gpu], list[LeftOut]]:
    """Where a driver of today has cards to drive, those that it does not know any more are left out. `numbered`: by the driver itself."""
    outdated = [gpu for gpu in gpus if gpu.is_nvidia and gpu.last_branch and gpu.last_branch < oldest_branch]
    kept = [gpu for gpu in gpus if gpu not in outdated]
    if not outdated or not any(gpu.is_nvidia for gpu in kept):
        return gpus, []
    if not numbered:
        numbers = iter(range(len(kept)))
        kept = [replace(gpu, index=next(numbers)) if gpu.is_nvidia else gpu for gpu in kept]
    why = "its last driver is {}, and what drives the others does not know it"
    return kept, [left_out(gpu, why.format(gpu.last_branch)) for gpu in outdated]


def left_out(gpu: Gpu, reason: str) -> LeftOut:
    return LeftOut(gpu.name, gpu.vendor, gpu.pci_address, gpu.device_id, gpu.driver, reason)


def _places(host: Host) -> list[tuple[str, str]]:
    """The address and the vendor's number of every graphics card that is plugged in."""
    found = []
    for address in host.names(DEVICES):
        vendor_id = host.word(f"{DEVICES}/{address}/vendor")[2:]
        if vendor_id in VENDORS and host.word(f"{DEVICES}/{address}/class")[:6] in GPU_CLASSES:
            found.append((address, vendor_id))
    return found


def has_nvswitch(host: Host) -> bool:
    """Whether cards are joined by switches of NVIDIA's, which do nothing before its fabric manager has set them up."""
    return any(
        host.word(f"{DEVICES}/{address}/vendor")[2:] == NVIDIA
        and host.word(f"{DEVICES}/{address}/class")[:6] == BRIDGE_CLASS
        for address in host.names(DEVICES)
    )


def _gpu(host: Host, directory: str, address: str, vendor_id: str, index: int) -> Gpu:
    device_id = host.word(f"{directory}/device")[2:]
    vendor, driver = VENDORS[vendor_id], host.link(f"{directory}/driver").rpartition("/")[2]
    if vendor_id != NVIDIA:
        name = f"{vendor.upper() if vendor == 'amd' else vendor.capitalize()} GPU [{vendor_id}:{device_id}]"
        return Gpu(index, name, vendor, address, device_id, _amd_memory(host, directory), driver=driver)
    card = nvidia_card(device_id)
    return Gpu(
        index,
        card.name,
        vendor,
        address,
        device_id,
        card.memory_bytes,
        memory_source="table" if card.memory_bytes else "",
        driver=driver,
        architecture=card.architecture,
        open_modules=card.open_modules,
        first_branch=card.first_branch,
        last_branch=card.last_branch,
    )


def _amd_memory(host: Host, directory: str) -> int | None:
    """AMD's driver is part of the kernel and says how much there is."""
    memory = host.word(f"{directory}/mem_info_vram_total")
    return int(memory) if memory.isdigit() else None
