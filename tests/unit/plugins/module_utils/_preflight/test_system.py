# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.facts import virtualisation
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._preflight import system
from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Wanted

SYSTEMS = {"debian": ["12", "13"], "ubuntu": ["24.04"]}
DOCKER = Wanted(systems=SYSTEMS)
PROCESS = Wanted(systems=SYSTEMS, runtime="process")
FEDORA = 'ID=fedora\nVERSION_ID=43\nPRETTY_NAME="Fedora Linux 43"\n'
KVM = {"/sys/class/dmi/id/sys_vendor": "QEMU\n", "/proc/cpuinfo": "flags\t: hypervisor avx2\n"}
WSL2 = "6.6.87.2-microsoft-standard-WSL2\n"
MakeHost = Callable[..., Host]


def test_a_supported_system_is_named(make_host: MakeHost) -> None:
    (finding,) = system.check_os(make_host(), DOCKER)
    assert (finding.severity, finding.data["version"]) == ("ok", "12")
    assert "Debian GNU/Linux 12 (bookworm)" in finding.message


def test_an_unknown_system_is_an_error_only_where_its_packages_are_needed(make_host: MakeHost) -> None:
    host = make_host(**{"/etc/os-release": FEDORA})
    (docker,) = system.check_os(host, DOCKER)
    (process,) = system.check_os(host, PROCESS)
    assert (docker.severity, process.severity) == ("error", "warning")
    assert "Fedora Linux 43" in docker.message
    assert "debian 12/13" in docker.message


def test_an_old_version_of_a_known_system_says_which_would_do(make_host: MakeHost) -> None:
    old = 'ID=ubuntu\nVERSION_ID="18.04"\nPRETTY_NAME="Ubuntu 18.04.6 LTS"\n'
    (finding,) = system.check_os(make_host(**{"/etc/os-release": old}), DOCKER)
    assert finding.severity == "error"
    assert "ubuntu 24.04" in finding.message


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({}, "none"),
        (KVM, "qemu"),
        ({"/sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n"}, "none"),
        ({**KVM, "/sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n"}, "hyperv"),
        ({"/run/systemd/container": "lxc\n"}, "lxc"),
        ({"/proc/1/environ": "PATH=/bin\0container=docker\0"}, "docker"),
        ({"/proc/sys/kernel/osrelease": WSL2}, "wsl2"),
        ({"/proc/sys/kernel/osrelease": "6.12.3-mine\n", "/run/WSL/1_interop": ""}, "wsl2"),
        ({"/proc/sys/kernel/osrelease": "4.4.0-19041-Microsoft\n"}, "wsl1"),
    ],
)
def test_virtualisation_is_recognised(make_host: MakeHost, files: dict[str, str], kind: str) -> None:
    assert virtualisation(make_host(**files)) == kind


def test_wsl_1_cannot_run_docker(make_host: MakeHost) -> None:
    host = make_host(**{"/proc/sys/kernel/osrelease": "4.4.0-19041-Microsoft\n"})
    assert [finding.severity for finding in system.check_virtualisation(host, DOCKER)] == ["error"]


@pytest.mark.parametrize(("status", "remedy"), [(0, "set ansible_become to true."), (1, "--ask-become-pass")])
def test_a_plain_user_learns_how_to_become_root(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, status: int, remedy: str
) -> None:
    def sudo(*_arguments: Any, **_options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess([], status)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(subprocess, "run", sudo)
    (docker,) = system.check_rights(make_host(), DOCKER)
    (process,) = system.check_rights(make_host(), PROCESS)
    assert (docker.severity, process.severity) == ("error", "ok")
    assert remedy in docker.message


def test_a_host_without_systemd_is_a_matter_only_for_docker(make_host: MakeHost) -> None:
    host = make_host(**{"/proc/1/comm": "tini\n"})
    assert [finding.severity for finding in system.check_init(host, DOCKER)] == ["warning"]
    assert [finding.severity for finding in system.check_init(host, PROCESS)] == ["ok"]


def test_limits_that_the_kernel_cannot_keep_are_named(make_host: MakeHost) -> None:
    host = make_host(**{"/sys/fs/cgroup/cgroup.controllers": "cpu pids\n"})
    (finding,) = system.check_cgroups(host, DOCKER)
    assert (finding.severity, finding.data["missing"]) == ("warning", ["memory"])
    assert "cgroup_enable=memory" in finding.message


def test_a_distribution_without_systemd_learns_where_to_write_it(make_host: MakeHost) -> None:
    host = make_host(**{"/proc/sys/kernel/osrelease": WSL2, "/proc/1/comm": "init\n"})
    (finding,) = system.check_init(host, DOCKER)
    assert finding.severity == "error"
    assert "write systemd=true below [boot] in /etc/wsl.conf" in finding.message


def test_a_distribution_is_told_what_windows_decides(make_host: MakeHost) -> None:
    (finding,) = system.check_virtualisation(make_host(**{"/proc/sys/kernel/osrelease": WSL2}), DOCKER)
    assert finding.severity == "notice"
    assert "memory and processors are what .wslconfig gives it" in finding.message
