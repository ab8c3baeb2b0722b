# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA's driver: what runs, what lies on the disk for which kernel, what programs find. PRIVATE to the collection."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._gpu import programs

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

OPEN, PROPRIETARY = "open", "proprietary"
LIBRARY_DIRECTORIES = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/usr/lib/aarch64-linux-gnu/nvidia/current",
)
# Debian calls it nvidia-current and has modprobe find it.
MODULE = re.compile(r"^(\S*/nvidia(?:-current(?:-open)?)?\.ko\S*):", re.MULTILINE)
QUESTION_TIMEOUT = 30.0


@dataclass(frozen=True)
class Installed:
    """A module that a kernel could load."""

    kernel: str
    version: str
    flavour: str


@dataclass(frozen=True)
class Driver:
    loaded: str = ""
    flavour: str = ""
    installed: list[Installed] = field(default_factory=list)
    # The version of the library through which programs speak to the module.
    library: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    nouveau: bool = False
    device_nodes: list[str] = field(default_factory=list)


def loaded(host: Host) -> tuple[str, str]:
    """Version and flavour of the module in the kernel, empty when there is none."""
    version = host.word("/sys/module/nvidia/version")
    banner = host.read("/proc/driver/nvidia/version")
    if not version:
        found = re.search(r"(\d{3,}\.[\d.]+)", banner)
        version = found[1] if found else ""
    if not version:
        return "", ""
    return version, OPEN if "Open Kernel Module" in banner else PROPRIETARY


def installed(host: Host) -> list[Installed]:
    """By what depmod has noted, which is what modprobe goes by. Newest kernel last."""
    found = []
    for kernel in sorted(host.names("/lib/modules"), key=_by_number):
        match = MODULE.search(host.read(f"/lib/modules/{kernel}/modules.dep"))
        if match:
            # Distributions that merge /usr note relative paths, older ones absolute.
            path = match[1] if match[1].startswith("/") else f"/lib/modules/{kernel}/{match[1]}"
            found.append(Installed(kernel, *_described(host, path)))
    return found


def _described(host: Host, path: str) -> tuple[str, str]:
    modinfo = programs.find(host, "modinfo")
    if not modinfo:
        return "", ""
    answer = programs.ask([modinfo, host.path(path)], QUESTION_TIMEOUT)
    fields = dict(re.findall(r"^(version|license):\s+(.*)$", answer.output, re.MULTILINE))
    return fields.get("version", ""), OPEN if "GPL" in fields.get("license", "") else PROPRIETARY


def library(host: Host) -> str:
    paths = (
        path for directory in LIBRARY_DIRECTORIES for path in glob.glob(host.path(f"{directory}/libnvidia-ml.so.*.*"))
    )
    return max((os.path.basename(path)[len("libnvidia-ml.so.") :] for path in paths), key=_by_number, default="")


def device_nodes(host: Host) -> list[str]:
    return [f"/dev/{name}" for name in host.names("/dev") if re.fullmatch(r"nvidia(\d+|ctl|-uvm)", name)]


def branch(version: str) -> int:
    """580 of 580.95.05, 0 of nothing."""
    number = version.partition(".")[0]
    return int(number) if number.isdigit() else 0


def _by_number(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def at_least(version: str, minimum: str) -> bool:
    return _by_number(version) >= _by_number(minimum)
