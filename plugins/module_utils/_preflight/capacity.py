# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of processor, memory and disk there is, against what is wanted. PRIVATE to the collection."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._host.facts import memory_bytes
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import error, notice, ok, warning
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import Finding
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Space, Wanted

# So long may it take to count what we have fetched already.
COUNTING_SECONDS = 3.0


def check_cpu(host: Host, wanted: Wanted) -> Iterator[Finding]:
    machine = os.uname().machine
    cores = usable_cores(host)
    data = {"architecture": machine, "cores": cores, "model": host.cpu.get("model name", "")}
    # The flags stand under another name on ARM.
    flags = set((host.cpu.get("flags") or host.cpu.get("Features", "")).split())
    missing = sorted(set(wanted.cpu_flags.get(machine, [])) - flags)
    if machine not in wanted.cpu_flags:
        known = " or ".join(wanted.cpu_flags)
        yield error("cpu", f"The processor is {machine}: the engines are built for {known}.", **data)
    elif missing:
        yield warning(
            "cpu",
            f"The processor lacks {', '.join(missing)}, which engines built for speed use: choose another host or, in a"
            " virtual machine, pass the host's processor through.",
            missing=missing,
            **data,
        )
    elif cores < wanted.cpu_cores:
        more = f" Give it more by processors={wanted.cpu_cores} in .wslconfig." if host.is_wsl else ""
        yield warning(
            "cpu", f"{cores} cores of the {wanted.cpu_cores} that are wanted: answers will be slow.{more}", **data
        )
    else:
        yield ok("cpu", f"{machine} with {_cores(cores)}.", **data)


def _cores(number: int) -> str:
    return "1 core" if number == 1 else f"{number} cores"


def usable_cores(host: Host) -> int:
    """The processors that we may use: a container has fewer than its machine."""
    cores = len(os.sched_getaffinity(0))
    quota, _space, period = host.word("/sys/fs/cgroup/cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def check_memory(host: Host, wanted: Wanted) -> Iterator[Finding]:
    memory = host.numbers("/proc/meminfo")
    total = memory_bytes(host)
    available = min(memory.get("MemAvailable", 0), total)
    data = {"total_bytes": total, "available_bytes": available, "wanted_bytes": wanted.memory_bytes}
    there = f"{as_size(total)} of memory"
    more = "add memory"
    if host.is_wsl:
        there += ", which is what Windows lends"
        more = "raise memory in .wslconfig (Windows lends half of the computer's without it), then run 'wsl --shutdown' there"
    if not total:
        yield warning("memory", "The kernel does not say how much memory there is.", **data)
    elif total < wanted.memory_bytes:
        yield error(
            "memory",
            f"{there}, {as_size(wanted.memory_bytes)} are wanted: {more}, or choose smaller models or contexts.",
            **data,
        )
    elif available < wanted.memory_bytes:
        # No warning: on a second run it is our own services that hold it.
        yield notice(
            "memory",
            f"{there}, of which {as_size(available)} are free now and {as_size(wanted.memory_bytes)} wanted: fine if our"
            " own services hold the rest, else stop what does.",
            **data,
        )
    else:
        yield ok("memory", f"{there}, {as_size(available)} of it free.", **data)


def check_disk(host: Host, wanted: Wanted) -> Iterator[Finding]:
    """What lies on the same file system has to share its space."""
    groups: dict[int, list[tuple[Space, str]]] = {}
    for space in wanted.disk:
        existing = _existing(host.path(space.path))
        groups.setdefault(os.stat(existing).st_dev, []).append((space, existing))
    for members in groups.values():
        yield _check_file_system(host, [space for space, _existing_path in members], members[0][1])


def _existing(path: str) -> str:
    """The nearest directory that is there already: its file system is the one that will be filled."""
    path = os.path.realpath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def _check_file_system(host: Host, spaces: list[Space], existing: str) -> Finding:
    system = os.statvfs(existing)
    free = system.f_bavail * system.f_frsize
    bytes_wanted = sum(space.bytes for space in spaces)
    paths = [space.path for space in spaces]
    id_ = f"disk:{paths[0]}"
    title = " and ".join(paths)
    missing = bytes_wanted - free
    # What we have put there before counts as well: a second run wants nothing new.
    held = _held([host.path(path) for path in paths], missing) if missing > 0 else 0
    data = {"paths": paths, "wanted_bytes": bytes_wanted, "free_bytes": free, "held_bytes": held}
    if system.f_flag & os.ST_RDONLY:
        return error(
            id_, f"The file system of {title} is read-only: mount it writable or choose another place.", **data
        )
    if held < missing:
        return error(
            id_,
            f"{title} wants {as_size(bytes_wanted)} and has {as_size(free)} free: free {as_size(missing - held)}, or choose"
            " a place on a larger disk.",
            **data,
        )
    if system.f_files and system.f_favail < 1000:
        return error(
            id_,
            f"The file system of {title} has no inodes left: remove small files from it.",
            inodes=system.f_favail,
            **data,
        )
    return ok(id_, f"{title}: {as_size(free)} free, {as_size(bytes_wanted)} wanted.", **data)


def _held(paths: list[str], enough: int) -> int:
    """The bytes that lie below the paths already; counting ends when they are enough."""
    held = 0
    deadline = time.monotonic() + COUNTING_SECONDS
    for path in paths:
        for directory, _directories, names in os.walk(path):
            for name in names:
                try:
                    held += os.lstat(os.path.join(directory, name)).st_blocks * 512
                except OSError:
                    continue
            if held >= enough or time.monotonic() > deadline:
                return held
    return held


CHECKS = (check_cpu, check_memory, check_disk)
