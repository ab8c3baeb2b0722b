# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a host's GPUs are like to what has to be done about them, or why nothing may. PRIVATE to the collection."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._nvidia_sources import (
    Source,
    UnsupportedError,
    Wish,
    choose,
    family,
)

TOOLKIT = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
# What belongs to a driver: an update of a part of it is the end of the whole until the next reboot.
DRIVER_PACKAGE = re.compile(
    r"(lib)?nvidia-(?!container)|libnvidia-(?!container)|linux-modules-nvidia-|cuda-drivers|libcuda"
)
# Ubuntu's modules are made for one kernel each; a newer kernel without them would boot without a GPU.
KERNEL_PACKAGE = re.compile(r"linux-(image-|headers-)?(generic|virtual|lowlatency|aws|azure|gcp|oracle|nvidia)(-|$)")
CONTAINERS = ("docker", "lxc", "podman", "systemd-nspawn", "openvz")


@dataclass(frozen=True)
class Plan:
    verdict: str
    reason: str
    refusals: tuple[str, ...] = ()
    install: bool = False
    source: Source = field(default_factory=Source)
    branch: int = 0
    flavour: str = ""
    hold: tuple[str, ...] = ()
    # What makes an installed driver run: nothing, load, or reboot.
    activate: str = ""
    toolkit: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    # Whether the driver is ours to take care of: Windows and clouds take care of their own.
    manages_driver: bool = False


def plan(found: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    state = found["state"]
    if state == "none":
        outline = _without_gpu(found["reason"], options)
    elif found["system"]["virtualisation"] in CONTAINERS and not found["usable"]:
        # It sees every card of the machine, whoever they are for.
        outline = _without_gpu("This is a container, and the machine around it has given it no GPU.", options)
    elif found["system"]["virtualisation"] in CONTAINERS or state in ("wsl", "cloud_managed"):
        outline = _of_others(found)
    else:
        outline = replace(_ours(found, options), manages_driver=True)
    if outline.verdict != "nothing":
        outline = replace(outline, toolkit=_toolkit(found, options))
    # Templates add lists to lists, and nothing else.
    return dict(json.loads(json.dumps(asdict(_told(outline, found, options)))))


def _without_gpu(reason: str, options: Mapping[str, Any]) -> Plan:
    if options["required"]:
        return Plan("refuse", reason, (f"{reason} But nvidia_required is true: correct the inventory or the machine.",))
    return Plan("nothing", reason)


def _of_others(found: Mapping[str, Any]) -> Plan:
    """Nothing is ever installed over the driver of Windows, of a cloud's image, or of the machine around a container."""
    refusals = () if found["usable"] else (found["reason"],)
    return Plan("refuse" if refusals else "keep", found["reason"], refusals)


def _ours(found: Mapping[str, Any], options: Mapping[str, Any]) -> Plan:
    state, driver, system = found["state"], found["driver"], found["system"]
    if state == "broken":
        return Plan("refuse", found["reason"], (found["reason"],))
    if state == "fine" and not _is_upgrade(found, options):
        return Plan("keep", found["reason"], hold=_hold(found))
    if state == "needs_reboot" or (state == "library_mismatch" and _reboot_heals(found)):
        return Plan("act", found["reason"], hold=_hold(found), activate=_activation(found))
    wish = Wish(int(options["branch"]), _flavour(found, options))
    refusals = list(_refusals(found, wish))
    source = Source()
    try:
        source = choose(system, wish, options["source"]) if wish.flavour else source
    except UnsupportedError as reason:
        refusals.append(str(reason))
    if source.name == "cuda" and system["secure_boot"] and not options["secure_boot_dkms"]:
        refusals.append(
            "Secure Boot is on, and modules that are built here are not signed by anybody whom it trusts: turn it off, or set"
            " nvidia_secure_boot_dkms to true and enrol the machine's own key at its console (mokutil --import)."
        )
    # A module that is loaded stays until the machine starts again, and nouveau does not let the card go.
    activate = "reboot" if driver["loaded"] or driver["nouveau"] else "load"
    if refusals:
        return Plan("refuse", found["reason"], tuple(refusals), branch=wish.branch, flavour=wish.flavour)
    hold = _hold(found) if state == "fine" else ()
    return Plan("act", found["reason"], (), True, source, wish.branch, wish.flavour, hold, activate)


def _flavour(found: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    wanted = found["driver"]["wanted_flavour"]
    return str(wanted if options["flavour"] == "auto" or not wanted else options["flavour"])


def _refusals(found: Mapping[str, Any], wish: Wish) -> list[str]:
    gpus = [gpu for gpu in found["gpus"] if gpu["vendor"] == "nvidia"]
    refusals = []
    if not wish.flavour:
        refusals.append(f"{found['reason']} Take one of them out.")
    unfit = "unsupported" if wish.is_open else "required"
    names = [gpu["name"] for gpu in gpus if gpu["open_modules"] == unfit]
    if wish.flavour and names:
        refusals.append(f"The {wish.flavour} kernel modules do not drive {names[0]}: set nvidia_flavour to 'auto'.")
    for gpu in gpus:
        first, last = gpu["first_branch"] or 0, gpu["last_branch"]
        if wish.branch < first:
            refusals.append(f"{gpu['name']} needs branch {first} or newer, and nvidia_branch is {wish.branch}.")
        elif last and wish.branch > last:
            refusals.append(f"The last branch for {gpu['name']} is {last}, and nvidia_branch is {wish.branch}.")
    if found["driver"]["loaded"] and not _driver_packages(found):
        refusals.append(
            f"Driver {found['driver']['loaded']} did not come with packages: whoever installed it has to remove it (nvidia-uninstall),"
            " and run this again after a reboot."
        )
    return list(dict.fromkeys(refusals))


def _is_upgrade(found: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    return bool(options["upgrade"]) and bool(_driver_packages(found))


def _reboot_heals(found: Mapping[str, Any]) -> bool:
    driver, kernel = found["driver"], found["system"]["kernel"]
    versions = {entry["version"] for entry in driver["installed"] if entry["kernel"] == kernel}
    return driver["library"] in versions


def _activation(found: Mapping[str, Any]) -> str:
    driver, kernel = found["driver"], found["system"]["kernel"]
    loadable = kernel in [entry["kernel"] for entry in driver["installed"]]
    return "load" if loadable and not driver["nouveau"] and not driver["loaded"] else "reboot"


def _driver_packages(found: Mapping[str, Any]) -> list[str]:
    return [name for name in found["driver"]["packages"] if DRIVER_PACKAGE.match(name)]


def _hold(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Packages of apt that an unattended update would take a working driver apart with."""
    driver = found["driver"]
    if family(found["system"]) not in ("debian", "ubuntu"):
        return ()
    due = _driver_packages(found)
    if any(name.startswith("linux-modules-nvidia-") for name in due):
        due += [name for name in driver["packages"] if KERNEL_PACKAGE.match(name)]
    return tuple(sorted(set(due) - set(driver["held"])))


def _toolkit(found: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[str, ...]:
    """What of the container toolkit has to be installed; one that is newer and complete stays."""
    toolkit, version = found["container_toolkit"], options["toolkit_version"]
    if not options["containers"]:
        return ()
    if toolkit["complete"] and _numbers(toolkit["version"]) >= _numbers(version):
        return ()
    return tuple(f"{name}={version}" for name in TOOLKIT)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _told(outline: Plan, found: Mapping[str, Any], options: Mapping[str, Any]) -> Plan:
    if outline.verdict in ("nothing", "refuse"):
        return outline
    steps = [
        *_driver_steps(outline, options, nvswitch=found["system"]["nvswitch"]),
        *_container_steps(outline, found, options),
    ]
    # A driver that stays as it is, with work to be done for containers, is work nevertheless.
    verdict = "act" if len(steps) > 1 or outline.install or outline.activate else "keep"
    return replace(outline, verdict=verdict, steps=tuple(steps))


def _driver_steps(outline: Plan, options: Mapping[str, Any], *, nvswitch: bool) -> list[str]:
    source = outline.source
    steps = []
    if outline.install:
        where = (
            "Ubuntu's archive, signed for Secure Boot"
            if source.name == "ubuntu"
            else f"NVIDIA's repository {source.repository}"
        )
        steps.append(
            f"Install driver {outline.branch} with the {outline.flavour} kernel modules from {where}: {_listed(source.packages)}."
        )
        if source.headers:
            steps.append(f"Install what its modules are built with: {_listed(source.headers)}.")
        steps.append(f"Keep it at branch {outline.branch}, and automatic updates away from it.")
        if nvswitch and source.name != "ubuntu":
            steps.append(
                "Not done here: NVIDIA's fabric manager, of the driver's very version, without which its switches between cards do nothing."
            )
    elif not outline.activate:
        steps.append("Keep the driver as it is.")
    if outline.hold:
        steps.append(f"Hold back from updates: {_listed(outline.hold)}.")
    if outline.activate == "load":
        steps.append("Load the driver; reboot if it cannot be loaded so.")
    elif outline.activate == "reboot":
        allowed = (
            ""
            if options["reboot_allowed"]
            else ", which nvidia_reboot_allowed forbids: do it yourself, then run this again"
        )
        steps.append(f"Reboot once{allowed}.")
    return steps


def _container_steps(outline: Plan, found: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    steps = []
    if outline.toolkit:
        steps.append(f"Install NVIDIA's container toolkit {options['toolkit_version']}, all four packages.")
    if options["containers"] and "nvidia.com/gpu=all" not in found["cdi"]:
        steps.append("Have the GPUs named for containers (CDI).")
    return steps


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
