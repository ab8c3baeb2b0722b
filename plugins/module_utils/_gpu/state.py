# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the findings about a host's GPUs come to, in one word and in sentences. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._gpu.driver import OPEN, PROPRIETARY, at_least, branch
from ansible_collections.hearth.llm.plugins.module_utils._gpu.surroundings import CLOUD_NAMES
from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import DRIVER_DIRECTORY as WSL_DIRECTORY

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._gpu.devices import Gpu, LeftOut
    from ansible_collections.hearth.llm.plugins.module_utils._gpu.driver import Driver
    from ansible_collections.hearth.llm.plugins.module_utils._gpu.smi import Answer

# The oldest branch that container images with CUDA 12 work with; older cards end before it.
OLDEST_USEFUL_BRANCH = 525


@dataclass(frozen=True)
class Found:
    """All that the judgement needs."""

    gpus: list[Gpu]
    driver: Driver
    smi: Answer
    kernel: str
    minimum: str
    wsl: bool = False
    wsl_offers_gpu: bool = False
    cloud: str = ""
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def usable(self) -> list[Gpu]:
        """Cards of NVIDIA's that a driver of today knows."""
        return [
            gpu
            for gpu in self.gpus
            if gpu.is_nvidia and not (gpu.last_branch and gpu.last_branch < OLDEST_USEFUL_BRANCH)
        ]


def wanted_flavour(gpus: list[Gpu]) -> str:
    """What drives all of these cards; empty where there are none, or no single driver does."""
    needs = {gpu.open_modules for gpu in gpus}
    if not needs or {"required", "unsupported"} <= needs:
        return ""
    return PROPRIETARY if "unsupported" in needs else OPEN


def judge(found: Found) -> tuple[str, list[str]]:
    """The state, and why it is so."""
    state, reasons = _judge(found)
    return state, [*reasons, *map(_left_out, found.left_out)]


def _judge(found: Found) -> tuple[str, list[str]]:
    for question in (_wsl, _nothing, _cloud, _flavour, _not_loaded, _mismatch, _silent, _age):
        answer = question(found)
        if answer:
            return answer
    return "fine", [f"Driver {found.driver.loaded} ({found.driver.flavour}) drives {_named(found.usable)}."]


def _left_out(card: LeftOut) -> str:
    return f"{card.name} at {card.pci_address} is left out: {card.reason}."


def _named(gpus: list[Gpu]) -> str:
    names = [gpu.name for gpu in gpus]
    return ", ".join(
        f"{names.count(name)} x {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)
    )


def _wsl(found: Found) -> tuple[str, list[str]] | None:
    if not found.wsl:
        return None
    if not found.wsl_offers_gpu:
        return "none", [
            "This is WSL, and Windows offers it no NVIDIA GPU. If the computer has one, install NVIDIA's driver in Windows, not here."
        ]
    reasons = ["This is WSL: the driver is that of Windows, and none may be installed here."]
    inside = sorted(
        name for name in found.driver.packages if name.startswith(("nvidia-driver", "nvidia-headless", "cuda-drivers"))
    )
    if inside:
        reasons.append(
            f"A driver has been installed here nevertheless and hides that of Windows: remove {', '.join(inside)}."
        )
    if not found.smi.works:
        where = "" if found.smi.found else f" Windows puts it into {WSL_DIRECTORY}."
        reasons.append(
            f"{found.smi.message}{where} Update NVIDIA's driver in Windows, then run 'wsl --shutdown' there."
        )
    elif not at_least(found.smi.version, found.minimum):
        reasons.append(
            f"Driver {found.smi.version} is older than {found.minimum}: update NVIDIA's driver in Windows, then run 'wsl --shutdown' there."
        )
    return "wsl", reasons


def _nothing(found: Found) -> tuple[str, list[str]] | None:
    if found.usable:
        return None
    if not found.gpus:
        return "none", ["There is no GPU that is this host's." if found.left_out else "There is no GPU."]
    reasons = [
        f"{_named([gpu])} is too old: its last driver is {gpu.last_branch}." for gpu in found.gpus if gpu.is_nvidia
    ] + [
        f"{gpu.name} is not NVIDIA's: it is named here, and nothing is done with it."
        for gpu in found.gpus
        if not gpu.is_nvidia
    ]
    return "none", reasons


def _cloud(found: Found) -> tuple[str, list[str]] | None:
    if not found.cloud:
        return None
    reasons = [
        f"This is {CLOUD_NAMES[found.cloud]}: whoever made it takes care of the driver, and it is kept as it is."
    ]
    if not found.smi.works:
        reasons.append(
            f"The driver does not answer ({found.smi.message}): install or repair it as the maker of the image says."
        )
    elif not at_least(found.smi.version, found.minimum):
        reasons.append(
            f"Driver {found.smi.version} is older than {found.minimum}: choose a newer image, or be content with an older driver."
        )
    return "cloud_managed", reasons


def _flavour(found: Found) -> tuple[str, list[str]] | None:
    wanted = wanted_flavour(found.usable)
    if not wanted:
        return "wrong_flavour", [
            f"No driver drives all of {_named(found.usable)}: some need the open kernel modules, for others only the proprietary ones exist."
        ]
    present = {found.driver.flavour} if found.driver.loaded else {entry.flavour for entry in found.driver.installed}
    refused = [
        gpu
        for gpu in found.usable
        if (gpu.open_modules == "required" and PROPRIETARY in present)
        or (gpu.open_modules == "unsupported" and OPEN in present)
    ]
    if refused:
        return "wrong_flavour", [
            f"{_named(refused)} needs the {wanted} kernel modules, and those here are {' and '.join(sorted(present))}."
        ]
    return None


def _not_loaded(found: Found) -> tuple[str, list[str]] | None:
    driver = found.driver
    if driver.loaded:
        return None
    if not driver.installed:
        reason = "The driver is not installed."
        if any("nvidia" in name for name in driver.packages):
            reason = f"Packages of a driver are installed, but no kernel has a module of it: the headers of {found.kernel} may be missing."
        return "not_installed", [reason]
    newest = driver.installed[-1]
    if newest.version and not at_least(newest.version, found.minimum):
        return "too_old", [f"Driver {newest.version} is installed and older than {found.minimum}."]
    if found.kernel not in [entry.kernel for entry in driver.installed]:
        return "needs_reboot", [
            f"Driver {newest.version} is installed for the kernel {newest.kernel}, and {found.kernel} is running."
        ]
    why = "nouveau holds the card" if driver.nouveau else "it has not been loaded"
    return "needs_reboot", [f"Driver {newest.version} is installed, but {why}."]


def _mismatch(found: Found) -> tuple[str, list[str]] | None:
    driver = found.driver
    if not found.smi.mismatch and (not driver.library or driver.library == driver.loaded):
        return None
    library = driver.library or "another version"
    return "library_mismatch", [
        f"The kernel runs driver {driver.loaded}, but its libraries are {library}: it was updated without a reboot."
    ]


def _silent(found: Found) -> tuple[str, list[str]] | None:
    if found.smi.works:
        return None
    if not found.smi.found:
        return "not_installed", [
            f"Driver {found.driver.loaded} is loaded, but its programs are missing: {found.smi.message}"
        ]
    return "broken", [
        f"Driver {found.driver.loaded} is loaded and does not answer: {found.smi.message} The kernel's log says more: dmesg | grep -i nvrm."
    ]


def _age(found: Found) -> tuple[str, list[str]] | None:
    driver = found.driver
    if not at_least(driver.loaded, found.minimum):
        return "too_old", [f"Driver {driver.loaded} is older than {found.minimum}."]
    young = [gpu for gpu in found.usable if gpu.first_branch and branch(driver.loaded) < gpu.first_branch]
    if young:
        return "too_old", [
            f"{_named(young)} needs driver {young[0].first_branch} or newer, and {driver.loaded} is loaded."
        ]
    return None
