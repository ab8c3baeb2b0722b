# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The distribution, the kernel, the GPU driver that is loaded, and packages by their names. PRIVATE to the collection."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

    # What a program prints; nothing where it is not there or fails.
    Run = Callable[[Sequence[str]], str]

# Of each family of systems the kind of its packages, and what lists all of them: name, version, architecture.
LISTS = (
    (
        "deb",
        ("dpkg-query", "--show", "--showformat=${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\n"),
    ),
    ("rpm", ("rpm", "--query", "--all", "--queryformat=installed\\t%{NAME}\\t%{EVR}\\t%{ARCH}\\n")),
)
_DRIVER = re.compile(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)")


def system(host: Host) -> dict[str, str]:
    told = host.settings("/etc/os-release")
    driver = _DRIVER.search(host.read("/proc/driver/nvidia/version"))
    return {
        "id": told.get("ID", "linux"),
        "name": told.get("NAME", "Linux"),
        "version": told.get("VERSION_ID", ""),
        "kernel": host.word("/proc/sys/kernel/osrelease"),
        "driver": driver[1] if driver else "",
    }


def packages(run: Run, patterns: Sequence[str]) -> list[dict[str, str]]:
    """Those that are installed and called like one of the patterns."""
    for kind, command in LISTS:
        found = list(_installed(kind, run(command), patterns))
        if found:
            return sorted(found, key=lambda package: (package["name"], package["architecture"], package["version"]))
    return []


def _installed(kind: str, said: str, patterns: Sequence[str]) -> list[dict[str, str]]:
    rows = [line.split("\t") for line in said.splitlines()]
    return [
        {"kind": kind, "name": row[1], "version": row[2], "architecture": row[3]}
        for row in rows
        if len(row) == 4 and row[0] == "installed" and any(fnmatch.fnmatchcase(row[1], name) for name in patterns)
    ]
