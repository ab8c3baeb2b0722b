# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not go together on a PC and in what is wished, and what its owner should know. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size
from ansible_collections.hearth.llm.plugins.plugin_utils._windows import wslconfig
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Distribution, Facts
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.wishes import Wishes

# The state of a distribution in the registry that is neither being installed nor removed.
_INSTALLED = 1


# Less than this nobody means who writes a size: 4 is not 4G.
_LEAST_MEMORY, _LEAST_DISK = 2 * 1024**3, 10 * 1000**3


def of_limits(facts: Facts, wishes: Wishes) -> Iterator[str]:
    machine = facts.machine
    if wishes.memory_bytes > machine.memory_bytes:
        yield (
            f"hearth_windows_memory is {as_size(wishes.memory_bytes)}, and {machine.name} has {as_size(machine.memory_bytes)}: write less, and leave "
            "some to Windows."
        )
    for name, wished, least in (
        ("hearth_windows_memory", wishes.memory_bytes, _LEAST_MEMORY),
        ("hearth_windows_disk_size", wishes.disk_size_bytes, _LEAST_DISK),
    ):
        if 0 < wished < least:
            yield f"{name} is {as_size(wished)}, with which nothing would run: write {as_size(least)} or more, with its unit."
    if wishes.processors > machine.processors:
        yield f"hearth_windows_processors is {wishes.processors}, and {machine.name} has {machine.processors}: write no more than that, or take it away."


def of_distribution(facts: Facts, there: Distribution | None, wishes: Wishes) -> Iterator[str]:
    name = wishes.distribution
    if wishes.move and wishes.move != name:
        yield f"hearth_windows_move is '{wishes.move}', and hearth_windows_distribution is '{name}': write the same name in both, or take the first away."
    if wishes.move and not wishes.disk:
        yield f"hearth_windows_move is '{wishes.move}', and hearth_windows_disk does not say where to: write a directory, such as N:\\WSL."
    if there is None:
        return
    if there.version != 2:
        yield (
            f"{name} on {facts.machine.name} is a distribution of WSL 1, which has no GPU and no systemd: run 'wsl --set-version {name} 2' there, "
            "or name another one in hearth_windows_distribution."
        )
    elif there.state != _INSTALLED:
        yield (
            f"WSL on {facts.machine.name} has not finished with {name} (its state is {there.state}): look at it there with 'wsl --list --all --verbose', "
            "and run this again."
        )


def of_docker(facts: Facts, wishes: Wishes) -> Iterator[str]:
    desktop, there, name = facts.docker_desktop, facts.distribution(wishes.distribution), wishes.distribution
    integrated = name.lower() in [found.lower() for found in desktop.distributions]
    integrated = integrated or (desktop.with_default and there is not None and there.is_default)
    if wishes.docker == "engine":
        if desktop.installed and integrated:
            yield (
                f"Docker Desktop is integrated with {name}, and hearth_windows_docker is 'engine': switch the integration off (Settings, Resources, WSL "
                "integration), or write hearth_windows_docker: desktop."
            )
        return
    if not desktop.installed:
        yield (
            "hearth_windows_docker is 'desktop', and Docker Desktop is not installed: install it, minding its licence, or write "
            "hearth_windows_docker: engine."
        )
        return
    if not desktop.wsl_engine:
        yield "Docker Desktop does not use WSL: switch on 'Use the WSL 2 based engine' (Settings, General), or write hearth_windows_docker: engine."
    if there is not None and not integrated:
        yield f"Docker Desktop is not integrated with {name}: switch it on (Settings, Resources, WSL integration), or write hearth_windows_docker: engine."
    if not desktop.running:
        yield f"Docker Desktop does not run on {facts.machine.name}: start it, and have it start when you sign in (Settings, General)."


def notes(facts: Facts, there: Distribution | None, wishes: Wishes) -> Iterator[str]:
    name = facts.machine.name
    if not wishes.has_password:
        yield (
            f"After a restart of {name} nothing answers until {facts.user.name} has logged in there: hearth_windows_password would have it start with the PC."
        )
    if facts.wsl.is_store and not facts.wsl.hands_on:
        yield (
            f"On {name} wsl.exe does not work where it is called by its name alone, over OpenSSH, which is how a distribution is reached: install all updates "
            "of Windows and the newest wsl.*.msi of https://github.com/microsoft/WSL/releases there, and restart it."
        )
    if not facts.gpus and not facts.nvidia_displays and wishes.gpu_policy == "auto":
        yield f"{name} has no NVIDIA card, so its processor computes."
    if not wishes.memory_bytes and not wslconfig.value_of(facts.wslconfig.text, "wsl2", "memory"):
        # MemorySizeBytes in WslCoreConfig.cpp.
        yield (
            f"WSL takes half of the memory of {name}, {as_size(facts.machine.memory_bytes / 2)}: hearth_windows_memory gives it more, for models that "
            "do not fit the card."
        )
    if there is not None and wishes.disk_size_bytes:
        yield (
            f"hearth_windows_disk_size is for a distribution that is installed anew; {there.name} keeps its own "
            f"('wsl --manage {there.name} --resize' changes it)."
        )
    if wishes.docker == "desktop":
        yield (
            "With Docker Desktop nothing answers before somebody has logged in, its settings are its own, and whether the LAN gets through is up to it: "
            "Docker Engine in the distribution has none of that (hearth_windows_docker: engine)."
        )
