# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a distribution of WSL shows of the Windows around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import Wsl, look

KERNEL = {"/proc/sys/kernel/osrelease": "6.6.87.2-microsoft-standard-WSL2\n"}


def host(root: Path, files: Mapping[str, str]) -> Host:
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return Host(str(root))


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"/proc/sys/kernel/osrelease": "6.8.0-60-generic\n", "/etc/wsl.conf": "[boot]\nsystemd=true\n"}, Wsl()),
        ({"/proc/sys/kernel/osrelease": "4.4.0-19041-Microsoft\n"}, Wsl(1)),
        (KERNEL, Wsl(2, network="nat")),
        ({**KERNEL, "/sys/class/net/loopback0/mtu": "1500\n"}, Wsl(2, network="mirrored")),
        (
            {**KERNEL, "/etc/wsl.conf": "# ours\n[user]\ndefault=me\n[boot]\nsystemd = true\n"},
            Wsl(2, systemd_wanted=True, network="nat"),
        ),
        # WSL itself reads on past what it does not understand; what we cannot read we do not believe.
        ({**KERNEL, "/etc/wsl.conf": "systemd=true\n[boot]\nsystemd=true\n"}, Wsl(2, network="nat")),
        ({**KERNEL, "/etc/wsl.conf": "[boot]\nsystemd\n"}, Wsl(2, network="nat")),
        (
            {**KERNEL, "/etc/wsl.conf": "[boot]\nsystemd=true\n", "/run/systemd/system/x": ""},
            Wsl(2, systemd=True, systemd_wanted=True, network="nat"),
        ),
        (
            {**KERNEL, "/run/docker-desktop/docker-desktop-user-distro": ""},
            Wsl(2, network="nat", docker_desktop=True),
        ),
    ],
)
def test_a_distribution_shows_what_windows_does_for_it(tmp_path: Path, files: dict[str, str], found: Wsl) -> None:
    assert look(host(tmp_path, files)) == found


@pytest.mark.parametrize("path", ["usr/bin/docker", "var/run/docker.sock"])
@pytest.mark.parametrize(("target", "desktop"), [("/mnt/wsl/docker-desktop/x", True), ("/run/docker.sock", False)])
def test_what_docker_desktop_leads_into_a_distribution_is_known_by_where_it_leads(
    tmp_path: Path, path: str, target: str, desktop: bool
) -> None:
    link = tmp_path / path
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    assert look(host(tmp_path, KERNEL)).docker_desktop is desktop
