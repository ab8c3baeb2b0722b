# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a PC can have WSL and its card at all: Windows, firmware, policies, rights, driver. PRIVATE to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Facts

# WSL 2 came with Windows 10 2004 (MicrosoftDocs/WSL, install-manual.md) and Windows Server 2022.
_FIRST_BUILD = 19041
_LOCAL_SYSTEM = "S-1-5-18"


def refusals_of_machine(facts: Facts, gpu_policy: str, minimum_driver: str) -> Iterator[str]:
    yield from _of_windows(facts)
    yield from _of_firmware(facts)
    yield from of_rights(facts)
    yield from _of_shell(facts)
    if gpu_policy != "none":
        yield from _of_gpus(facts, gpu_policy, minimum_driver)


def _of_windows(facts: Facts) -> Iterator[str]:
    windows, name = facts.windows, facts.machine.name
    if windows.architecture not in ("AMD64", "ARM64"):
        yield f"{name} has a processor of the kind {windows.architecture}, for which there is no WSL 2: take another PC."
    if windows.build < _FIRST_BUILD:
        yield f"{name} has build {windows.build} of Windows, and WSL 2 needs {_FIRST_BUILD} (Windows 10 2004, Windows Server 2022) or newer: update Windows."
    elif not facts.wsl.program:
        yield f"{name} has no wsl.exe, which comes with updates of Windows: install them (Settings, Windows Update), and run this again."
    if facts.policies.get("AllowWSL") == 0:
        yield f"A policy on {name} (Software\\Policies\\WSL, AllowWSL) forbids WSL: have whoever manages the PC allow it."


def _of_firmware(facts: Facts) -> Iterator[str]:
    machine = facts.machine
    # A hypervisor that runs is proof enough, and hides what the firmware says.
    if machine.hypervisor or machine.firmware_virtualization:
        return
    if "virtual" in f"{machine.manufacturer} {machine.model}".lower() or "vmware" in machine.manufacturer.lower():
        yield f"{machine.name} is a virtual machine without virtualization of its own: switch nested virtualization on where it runs, and start it anew."
    else:
        yield (
            f"Virtualization is switched off in the firmware of {machine.name} ({machine.manufacturer} {machine.model}): restart it, press the key "
            "for its BIOS "
            "(often Del or F2), switch on 'Intel Virtualization Technology', 'VT-x' or 'SVM Mode', save, and run this again."
        )


def of_rights(facts: Facts) -> Iterator[str]:
    user, name = facts.user, facts.machine.name
    if user.sid == _LOCAL_SYSTEM:
        yield f"The connection to {name} is the system's own, for which WSL does not work: connect as the person who uses the PC (ansible_user)."
    elif not user.is_administrator:
        yield f"{user.name} is no administrator of {name}: connect as one (ansible_user), or make him one (Settings, Accounts, Other users)."


def _of_shell(facts: Facts) -> Iterator[str]:
    """What leads to a distribution speaks to cmd.exe (community.general.wsl; ansible-collections/community.general issue 11307)."""
    shell = facts.openssh.default_shell
    if shell and not shell.lower().endswith("\\cmd.exe"):
        yield (
            f"OpenSSH on {facts.machine.name} starts {shell}, and a distribution is reached through cmd.exe: run there, as an administrator, "
            "Remove-ItemProperty -Path HKLM:\\SOFTWARE\\OpenSSH -Name DefaultShell, and write ansible_shell_type: cmd."
        )


def _of_gpus(facts: Facts, gpu_policy: str, minimum: str) -> Iterator[str]:
    name = facts.machine.name
    instead = "" if gpu_policy == "required" else ", or write hearth_gpu_policy: none"
    remedy = "install the newest driver from https://www.nvidia.com/drivers on Windows, never in the distribution"
    if facts.gpus:
        card = min(facts.gpus, key=lambda gpu: _numbers(gpu.driver))
        if _numbers(card.driver) < _numbers(minimum):
            yield f"{name} has driver {card.driver} for {card.name}, and {minimum} is the oldest that will do: {remedy}{instead}."
    elif facts.nvidia_displays:
        yield f"{name} has {facts.nvidia_displays[0]}, and no driver of NVIDIA's answers (nvidia-smi.exe): {remedy}, and restart it{instead}."
    elif gpu_policy == "required":
        yield f"{name} has no NVIDIA card, and hearth_gpu_policy is 'required': correct the inventory or the PC."


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
