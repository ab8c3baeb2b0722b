# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the packages that a host has to what is due for its Docker. PRIVATE to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils import _docker_in_wsl

DISTRIBUTION, UPSTREAM, MOBY = "docker.io", "docker-ce", "moby-engine"
FLAVOUR_OF = {"distribution": DISTRIBUTION, "upstream": UPSTREAM}
UPSTREAM_MAJOR = 29
# The one version of Docker is that of these.
PINNED = (UPSTREAM, "docker-ce-cli")
# python3-requests is what Ansible's modules speak to Docker with, ca-certificates lets it trust registries.
COMPANIONS = ("ca-certificates", "python3-requests")
# It loads the profile that the kernel asks for.
APPARMOR = ("apparmor",)
# What the firewall's newer backend needs: nft, and sysctl for a kernel that forwards.
NFTABLES = ("nftables", "procps")


@dataclass(frozen=True)
class Wish:
    wanted: str
    distribution_packages: tuple[str, ...]
    distribution_major: int
    version: str
    apparmor: bool
    firewall_backend: str
    live_restore: bool
    bind_address: str
    log_driver: str
    log_options: Mapping[str, Any]
    wsl: Mapping[str, Any] = field(default_factory=dict)
    in_wsl: str = _docker_in_wsl.ENGINE

    @property
    def flavours(self) -> dict[str, tuple[str, ...]]:
        """Every Docker that a host of ours may have, and the packages that make it."""
        return {
            UPSTREAM: (UPSTREAM, "docker-ce-cli", "containerd.io"),
            DISTRIBUTION: self.distribution_packages,
            MOBY: (MOBY,),
        }

    @property
    def companions(self) -> tuple[str, ...]:
        """Packages without which Docker does not do its work here."""
        return (
            *COMPANIONS,
            *(APPARMOR if self.apparmor else ()),
            *(NFTABLES if self.firewall_backend == "nftables" else ()),
        )


def plan(lines: Iterable[str], wish: Wish) -> dict[str, Any]:
    installed = _installed(lines)
    if _docker_in_wsl.is_desktop(wish.wsl, wish.in_wsl):
        return _of_desktop(installed, wish)
    wanted = FLAVOUR_OF[wish.wanted]
    flavour = next((name for name in wish.flavours if name in installed), wanted)
    # Without the epoch, which no user would write.
    version = re.sub(r"^\d+:", "", installed.get(flavour, ""))
    major = _major(version or wish.version or str(_candidate_major(flavour, wish)))
    return {
        "known": [*(name for names in wish.flavours.values() for name in names), *wish.companions],
        "installed": installed,
        "flavour": flavour,
        "here": flavour in installed,
        "differs": flavour != wanted,
        "version": version,
        "major": major,
        "due": _due(installed, flavour, version, wish),
        # What Docker has brought along as a dependency is left to `apt autoremove`.
        "removable": [name for name in wish.flavours[flavour] if name in installed],
        "settings": _settings(major, wish),
        "findings": [
            *_docker_in_wsl.findings(wish.wsl, wish.in_wsl),
            *_findings(flavour, major, wish, here=flavour in installed),
        ],
        "desktop": False,
        "limits": [],
    }


def _of_desktop(installed: dict[str, str], wish: Wish) -> dict[str, Any]:
    """Docker Desktop brings its engine and its settings; ours is what Ansible speaks to it with."""
    return {
        "known": [*(name for names in wish.flavours.values() for name in names), *wish.companions],
        "installed": installed,
        "flavour": "docker-desktop",
        "here": False,
        "differs": False,
        "version": "",
        "major": 0,
        "due": [name for name in COMPANIONS if name not in installed],
        "removable": [],
        "settings": {},
        "findings": list(_docker_in_wsl.findings(wish.wsl, wish.in_wsl)),
        "desktop": True,
        "limits": list(_docker_in_wsl.LIMITS),
    }


def _installed(lines: Iterable[str]) -> dict[str, str]:
    rows = (line.split() for line in lines)
    return {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "installed"}


def _candidate_major(flavour: str, wish: Wish) -> int:
    return UPSTREAM_MAJOR if flavour == UPSTREAM else wish.distribution_major


def _major(version: str) -> int:
    digits = re.match(r"\d+", version)
    return int(digits[0]) if digits else 0


def _due(installed: Mapping[str, str], flavour: str, version: str, wish: Wish) -> list[str]:
    """Packages that are missing, or have another version than the one that is wanted."""
    due = [name for name in (*wish.flavours[flavour], *wish.companions) if name not in installed]
    if flavour != UPSTREAM or not wish.version:
        return due
    # 28.5.2 is not 28.5.20: what follows the version begins with a dash.
    if not version.startswith(f"{wish.version}-"):
        due += [name for name in PINNED if name not in due]
    return [f"{name}=5:{wish.version}-*" if name in PINNED else name for name in due]


def _settings(major: int, wish: Wish) -> dict[str, Any]:
    settings: dict[str, Any] = {"live-restore": wish.live_restore}
    if wish.bind_address:
        # Networks that users make take their default address from default-network-opts, the first network from ip.
        settings["ip"] = wish.bind_address
        if major >= 24:
            address = {"com.docker.network.bridge.host_binding_ipv4": wish.bind_address}
            settings["default-network-opts"] = {"bridge": address}
    if wish.log_driver:
        settings["log-driver"] = wish.log_driver
        # dockerd takes nothing but texts here.
        settings["log-opts"] = {name: str(value) for name, value in wish.log_options.items()}
    if wish.firewall_backend:
        settings["firewall-backend"] = wish.firewall_backend
    return settings


def _findings(flavour: str, major: int, wish: Wish, *, here: bool) -> Iterator[str]:
    if wish.version and flavour != UPSTREAM:
        after = " after a run with docker_state absent" if here else ""
        yield (
            f"docker_version is {wish.version}, but {flavour} has the version that the distribution gives it: leave docker_version empty,"
            f" or set docker_packages to 'upstream'{after}."
        )
    if wish.firewall_backend == "nftables" and major < 29:
        yield (
            f"docker_firewall_backend is 'nftables', which needs Docker 29, and {flavour} is {major} here: leave it empty, or set"
            " docker_packages to 'upstream'."
        )
