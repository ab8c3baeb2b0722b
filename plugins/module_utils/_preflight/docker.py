# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker that may be here already, and firewalls that would fight with it. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._host.docker import ask_docker
from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import look
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import notice, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import Finding
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Wanted

# Before this one, a port published on the loopback address can be reached by neighbours in the same network (moby#45610).
KEEPS_LOOPBACK = 28
# Before this one, what Windows asks at its own loopback address gets lost on its way to a container where the network is mirrored (moby#48056).
KNOWS_MIRRORED = (27, 3)


def check_docker(host: Host, wanted: Wanted) -> Iterator[Finding]:
    if not wanted.docker:
        return
    version = str((ask_docker(host, "/version") or {}).get("Version", ""))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    wsl = look(host)
    if host.exists("/snap/bin/docker"):
        yield warning("docker", "Docker is here as a snap, which sees few directories: remove it (snap remove docker).")
    elif wsl.docker_desktop:
        yield notice(
            "docker",
            "Docker Desktop has put its Docker into this distribution. It ends when its user logs off, and its settings and devices are its own: switch"
            " its integration off for this distribution, or write hearth_windows_docker: desktop.",
            version=version,
        )
    elif not numbers:
        yield ok("docker", "No Docker answers here yet.", version="")
    elif wsl.network == "mirrored" and numbers < KNOWS_MIRRORED:
        yield warning(
            "docker",
            f"Docker {version} does not know mirrored networks of WSL, and the computer itself would not reach its ports by 127.0.0.1: use"
            f" {'.'.join(map(str, KNOWS_MIRRORED))} or newer (docker_packages: upstream).",
            version=version,
        )
    elif numbers[0] < KEEPS_LOOPBACK:
        yield notice(
            "docker",
            f"Docker {version} lets neighbours in the same network reach ports that are published on the loopback address:"
            f" use {KEEPS_LOOPBACK} or newer (docker_packages: upstream), or a firewall.",
            version=version,
        )
    else:
        yield ok("docker", f"Docker {version} answers.", version=version)


def check_firewall(host: Host, wanted: Wanted) -> Iterator[Finding]:
    """Docker writes rules of its own; who else does, and what comes of it."""
    if not wanted.docker:
        return
    found = False
    if host.settings("/etc/ufw/ufw.conf").get("ENABLED") == "yes":
        found = True
        yield notice("firewall:ufw", "ufw is on; ports that Docker publishes pass it by: do not count on it for them.")
    if host.exists("/run/firewalld.pid") or any("firewalld" in command for command in _commands(host)):
        found = True
        yield notice(
            "firewall:firewalld", "firewalld runs; reloading it removes Docker's rules: restart Docker after it."
        )
    if any("nftables.service" in host.names(f"/etc/systemd/system/{target}") for target in _targets(host)):
        found = True
        yield warning(
            "firewall:nftables",
            "nftables.service is enabled, and starts by removing all rules, Docker's too: disable it"
            " (systemctl disable nftables) and keep your rules in a table and unit of your own.",
        )
    if not found:
        yield ok("firewall", "No other firewall writes rules here.")


def _commands(host: Host) -> Iterator[str]:
    for pid in host.names("/proc"):
        if pid.isdigit():
            yield host.word(f"/proc/{pid}/comm")


def _targets(host: Host) -> list[str]:
    return [name for name in host.names("/etc/systemd/system") if name.endswith(".wants")]


CHECKS = (check_docker, check_firewall)
