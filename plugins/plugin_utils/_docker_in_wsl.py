# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker there may be in a distribution of WSL, and what stands in its way. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ENGINE, DESKTOP = "engine", "desktop"
SWITCH = "(Docker Desktop: Settings, Resources, WSL integration)"
# What its settings and its place leave to whoever runs it.
LIMITS = (
    "It runs while its user is logged in, and nothing answers after a restart of the computer until then.",
    "Its settings are its own: logs of containers, the address of ports and live restore are as it has them, and daemon.json here is not read.",
    "Its devices are its own: engines get no GPU from it.",
    "What reaches its ports from elsewhere is decided by itself and by Windows' firewall.",
    "Companies of some size need a licence for it.",
)


def is_desktop(wsl: Mapping[str, Any], wanted: str) -> bool:
    return bool(wsl.get("version")) and wanted == DESKTOP


def findings(wsl: Mapping[str, Any], wanted: str) -> Iterator[str]:
    """`wsl` is what M(hearth.llm.wsl_info) returned."""
    if not wsl.get("version"):
        return
    if wsl["version"] == 1:
        yield "This is WSL 1, which runs no containers: run 'wsl --set-version' with the distribution's name and 2 in Windows."
    elif wanted == DESKTOP and not wsl["docker_desktop"]:
        yield (
            "docker_in_wsl is 'desktop', and Docker Desktop has not put its Docker into this distribution: start it in Windows, and switch its integration on"
            f" for this distribution {SWITCH}; or write hearth_windows_docker: engine."
        )
    elif wanted == ENGINE and wsl["docker_desktop"]:
        yield (
            "Docker Desktop has put its Docker into this distribution, and two engines would fight for one socket: switch its integration off for this"
            f" distribution {SWITCH}; or write hearth_windows_docker: desktop."
        )
    elif wanted == ENGINE and not wsl["systemd"]:
        missing = "" if wsl["systemd_wanted"] else "write systemd=true below [boot] in /etc/wsl.conf, and "
        yield (
            f"systemd does not run this distribution, so that nothing would start Docker: {missing}run 'wsl --terminate' with the distribution's name in"
            " Windows."
        )
