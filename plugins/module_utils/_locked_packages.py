# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages whose versions the lock keeps: Docker, NVIDIA's driver and the toolkit for containers. PRIVATE to the collection."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._bill.system import packages

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._bill.system import Run

PATTERNS = (
    "containerd",
    "containerd.io",
    "cuda-drivers*",
    "docker-buildx*",
    "docker-ce*",
    "docker-cli",
    "docker-compose*",
    "docker.io",
    "kmod-nvidia*",
    "libnvidia*",
    "linux-modules-nvidia*",
    "nvidia*",
    "runc",
)
# Those of which the newest counts where none of their kind is installed: what the roles would ask for by these names.
FIRST = (
    ("docker.io", "docker-cli"),
    ("docker-ce", "docker-ce-cli", "containerd.io"),
    ("nvidia-container-toolkit",),
)
_POLICY = re.compile(r"^(?P<name>\S+):\n(?:  .*\n)*?  Candidate: (?P<candidate>\S+)", re.MULTILINE)


def is_kept(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in PATTERNS)


def versions(run: Run) -> tuple[dict[str, str], dict[str, str]]:
    """What is installed of them, and the newest of these and of what would be installed first, as the package manager knows it."""
    installed = {package["name"]: package["version"] for package in packages(run, PATTERNS)}
    missing = [name for names in FIRST if not set(names) & set(installed) for name in names]
    return installed, _candidates(run, [*sorted(installed), *missing])


def _candidates(run: Run, names: Sequence[str]) -> dict[str, str]:
    """As apt says it. Elsewhere nothing is known of it."""
    said = run(("apt-cache", "policy", *names)) if names else ""
    return {
        found["name"]: found["candidate"] for found in _POLICY.finditer(said + "\n") if found["candidate"] != "(none)"
    }
