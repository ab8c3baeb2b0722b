# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a PC is like to the distribution that runs on it: what has to be done, in which order, or why nothing may. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size
from ansible_collections.hearth.llm.plugins.plugin_utils._windows import network, wslconfig
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.disk import is_elsewhere, judge_disk
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Action, Distribution, Facts, read
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.judgements import (
    notes,
    of_distribution,
    of_docker,
    of_limits,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.permissions import of_rights, refusals_of_machine
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.steps import FOLDER, Plan, Scheduled, listed
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.wishes import Wishes

# The order in which a plan has them; the role's main.yml has a file of tasks for each, in the same order.
KINDS = (
    "features",
    "restart_windows",
    "wsl",
    "wslconfig",
    "stop_wsl",
    "move",
    "distribution",
    "task",
    "start",
    "systemd",
    "no_task",
    "unregister",
)

# `wsl --install` knows --location, --name and --vhd-size since 2.4, and `wsl --manage` knows --move since 2.3 (microsoft/WSL, releases).
MINIMUM = (2, 4, 10)
_SYSTEMD = {("boot", "systemd"): "true"}


def plan(document: object, wishes: Wishes) -> dict[str, Any]:
    facts, findings = read(document)
    way = network.way(facts, wishes.network, wishes.docker)
    # Without an administrator's rights much cannot be read, and Windows says so in its own language.
    planned = Plan(refusals=[*(of_rights(facts) if findings and facts.user.sid else []), *findings])
    if not findings:
        if wishes.state == "present":
            _present(planned, facts, wishes, way)
        else:
            _absent(planned, facts, wishes)
    return planned.told(network=way.mode, program=facts.wsl.store, folder=FOLDER)


def keep_alive(facts: Facts, wishes: Wishes) -> Scheduled:
    """Services of systemd do not keep a distribution alive (MicrosoftDocs/WSL, systemd.md); a program that wsl.exe waits for does."""
    return Scheduled(
        f"Keep {wishes.distribution} running",
        Action(facts.wsl.store, f"--distribution {wishes.distribution} --user root --exec sleep infinity"),
        wishes.has_password,
    )


def _present(planned: Plan, facts: Facts, wishes: Wishes, way: network.Way) -> None:
    there = facts.distribution(wishes.distribution)
    planned.refusals += refusals_of_machine(facts, wishes.gpu_policy, wishes.minimum_driver)
    planned.refusals += [*([way.refusal] if way.refusal else []), *of_limits(facts, wishes)]
    planned.refusals += [*of_distribution(facts, there, wishes), *of_docker(facts, wishes)]
    planned.notes += [*([way.note] if way.note else []), *notes(facts, there, wishes)]
    if wishes.disk:
        judge_disk(planned, facts, there, wishes)
    updates = _prerequisites(planned, facts, there, wishes)
    stops = _configure(planned, facts, wishes, way)
    moves = there is not None and is_elsewhere(there, wishes) and wishes.move == wishes.distribution
    if there is not None and moves:
        planned.add(
            "move",
            f"Move {there.name} from {there.directory} to {wishes.directory}: copy its disk, compare both, have WSL move it, see that it starts, and "
            "take the copy away.",
            name=there.name,
            directory=wishes.directory,
            folder=FOLDER,
        )
    elif there is None:
        where = f" at {wishes.directory}" if wishes.disk else ""
        cap = f", with a disk of at most {as_decimal_size(wishes.disk_size_bytes)}" if wishes.disk_size_bytes else ""
        planned.add(
            "distribution",
            f"Install {wishes.distribution}{where}{cap}.",
            name=wishes.distribution,
            directory=wishes.directory,
            size=_in_mb(wishes.disk_size_bytes),
        )
    task = keep_alive(facts, wishes)
    if not task.is_there(facts):
        planned.add("task", task.words(facts), **task.settings(facts))
    if there is None or not there.is_running or updates or stops or moves:
        planned.add(
            "start", f"Start {wishes.distribution} by its task.", distribution=wishes.distribution, task=task.name
        )
    _systemd(planned, there, wishes, task)


def _prerequisites(planned: Plan, facts: Facts, there: Distribution | None, wishes: Wishes) -> bool:
    """Whether WSL is updated, which stops what runs in it."""
    name = facts.machine.name
    # On Windows 10, and servers of its kind, the version of the store needs the old component, too (WslInstall.cpp, CheckForMissingOptionalComponents).
    needed = ["VirtualMachinePlatform"]
    if facts.windows.build < 22000:
        needed.append("Microsoft-Windows-Subsystem-Linux")
    missing = [feature for feature in needed if facts.features.get(feature) not in ("Enabled", "EnablePending")]
    waiting = [feature for feature in needed if facts.features.get(feature) == "EnablePending"]
    outdated = not facts.wsl.is_store or _numbers(facts.wsl.version) < MINIMUM
    if missing:
        planned.add("features", f"Switch on what Windows needs for WSL: {listed(missing)}.", names=missing)
    # What Windows itself wants to restart for would get in the way of what is installed now.
    if missing or waiting or (facts.pending_reboot and (outdated or there is None)):
        forbidden = (
            ""
            if wishes.restart_allowed
            else ", which hearth_windows_reboot forbids: do it yourself, then run this again"
        )
        planned.add("restart_windows", f"Restart {name} once{forbidden}.", allowed=wishes.restart_allowed)
    elif facts.pending_reboot:
        planned.notes.append(f"{name} waits for a restart of its own ({listed(facts.pending_reboot)}).")
    if outdated:
        was = f" in the place of {facts.wsl.version}" if facts.wsl.version else ""
        planned.add(
            "wsl",
            f"Install the newest WSL of the store{was}: {_dotted(MINIMUM)} is the oldest that will do.",
            minimum=_dotted(MINIMUM),
            program=facts.wsl.program,
        )
    return outdated


def _configure(planned: Plan, facts: Facts, wishes: Wishes, way: network.Way) -> bool:
    """Whether WSL has to be stopped for it."""
    # Either timeout alone stops a distribution that nobody looks at: 60 s for the machine, 15 s for the distribution; below zero is never
    # (microsoft/WSL, WslCoreConfig.h and LxssUserSession.cpp).
    wanted = {("wsl2", "vmIdleTimeout"): "-1", ("general", "instanceIdleTimeout"): "-1"}
    if way.is_ours_to_say:
        wanted = {("wsl2", "networkingMode"): way.mode, **wanted}
    if wishes.memory_bytes:
        wanted["wsl2", "memory"] = _in_mb(wishes.memory_bytes)
    if wishes.processors:
        wanted["wsl2", "processors"] = str(wishes.processors)
    merged = wslconfig.merge(facts.wslconfig.text, wanted, newline="\r\n")
    for conflict in merged.conflicts:
        planned.refusals.append(
            f"In {facts.wslconfig.path} {conflict}: take the line away, or change what is wished (hearth_windows_memory, hearth_windows_processors, "
            "hearth_windows_network)."
        )
    if not merged.written and not merged.gone:
        return False
    changes = "; ".join(
        [
            *([", ".join(merged.written)] if merged.written else []),
            *([f"no {', '.join(merged.gone)} any more"] if merged.gone else []),
        ]
    )
    planned.add(
        "wslconfig",
        f"Write {facts.wslconfig.path}: {changes}; other lines stay.",
        path=facts.wslconfig.path,
        text=merged.text,
    )
    running = [found.name for found in facts.distributions if found.is_running]
    if running:
        planned.add(
            "stop_wsl",
            f"Stop WSL once, with {listed(running)}, so that it reads its settings.",
            program=facts.wsl.program,
        )
    return bool(running)


def _systemd(planned: Plan, there: Distribution | None, wishes: Wishes, task: Scheduled) -> None:
    name = wishes.distribution
    settings = {"distribution": name, "task": task.name, "text": None}
    if there is None or there.configuration is None:
        planned.add(
            "systemd",
            f"Look whether systemd is on in /etc/wsl.conf of {name}, and switch it on where it is not.",
            **settings,
        )
        return
    merged = wslconfig.merge(there.configuration, _SYSTEMD, newline="\n")
    for conflict in merged.conflicts:
        planned.refusals.append(
            f"In /etc/wsl.conf of {name} {conflict}: take the line away; Docker and the services need systemd."
        )
    if merged.written:
        settings["text"] = merged.text
        planned.add("systemd", f"Switch systemd on in /etc/wsl.conf of {name}, and start it anew.", **settings)


def _absent(planned: Plan, facts: Facts, wishes: Wishes) -> None:
    there = facts.distribution(wishes.distribution)
    merged = wslconfig.merge(facts.wslconfig.text, {}, newline="\r\n")
    if merged.gone:
        planned.add(
            "wslconfig", f"Take our lines out of {facts.wslconfig.path}.", path=facts.wslconfig.path, text=merged.text
        )
    task = keep_alive(facts, wishes)
    if task.is_named(facts):
        planned.add("no_task", f"Remove the task '{task.name}'.", name=task.name, path=task.path)
    if wishes.remove and wishes.remove != wishes.distribution:
        planned.refusals.append(
            f"hearth_windows_remove_distribution is '{wishes.remove}', and hearth_windows_distribution is '{wishes.distribution}': write the same "
            "name in both, "
            "or take the first away."
        )
    elif wishes.remove and there is not None:
        planned.add(
            "unregister",
            f"Remove {there.name} with everything in it: {there.disk}, {as_decimal_size(there.disk_bytes)}.",
            name=there.name,
        )
    elif there is not None:
        planned.notes.append(
            f"{there.name} stays on {facts.machine.name}; hearth_windows_remove_distribution: {there.name} removes it with everything in it."
        )


def _in_mb(size: int) -> str:
    """As WSL reads sizes: powers of 1024, whole numbers."""
    return f"{size // 1024**2}MB" if size else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
