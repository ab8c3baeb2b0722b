# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows around a distribution of WSL, as far as it can be seen from inside. PRIVATE to the collection."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._host.facts import virtualisation

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

SETTINGS = "/etc/wsl.conf"
# Where Windows puts what of its driver programs here use.
DRIVER_DIRECTORY = "/usr/lib/wsl/lib"
# Docker Desktop leads these into a distribution that its integration is on for, to what it mounts for all of them.
LED_TO_DESKTOP = ("/usr/bin/docker", "/usr/local/bin/docker", "/run/docker.sock", "/var/run/docker.sock")
DESKTOP = "/mnt/wsl/docker-desktop/"
DESKTOP_PROXY = "/run/docker-desktop/docker-desktop-user-distro"
# The device that carries what Windows sends to its own loopback address; only mirrored networks have it.
MIRRORED_DEVICE = "/sys/class/net/loopback0"


@dataclass(frozen=True)
class Wsl:
    # 0 on any other host.
    version: int = 0
    # Whether systemd runs the distribution, and whether it is to.
    systemd: bool = False
    systemd_wanted: bool = False
    # mirrored, or nat for any network that Windows translates. WSL 1 has no network of its own.
    network: str = ""
    # Whether Docker Desktop has put its Docker into the distribution.
    docker_desktop: bool = False


def look(host: Host) -> Wsl:
    if not host.is_wsl:
        return Wsl()
    version = 1 if virtualisation(host) == "wsl1" else 2
    return Wsl(
        version=version,
        systemd=host.exists("/run/systemd/system"),
        systemd_wanted=_wants_systemd(host.read(SETTINGS)),
        network="" if version == 1 else "mirrored" if host.exists(MIRRORED_DEVICE) else "nat",
        docker_desktop=host.exists(DESKTOP_PROXY)
        or any(host.link(path).startswith(DESKTOP) for path in LED_TO_DESKTOP),
    )


def _wants_systemd(text: str) -> bool:
    settings = configparser.ConfigParser(strict=False, allow_no_value=True, interpolation=None)
    try:
        settings.read_string(text)
        return settings.getboolean("boot", "systemd", fallback=False)
    except (configparser.Error, ValueError, AttributeError):
        return False
