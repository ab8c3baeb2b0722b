# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._preflight import docker
from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Wanted

WSL2 = "6.6.87.2-microsoft-standard-WSL2\n"
MakeHost = Callable[..., Host]


@pytest.mark.parametrize(("version", "severity"), [("20.10.24+dfsg1", "notice"), ("28.0.0", "ok"), ("29.1.3", "ok")])
def test_a_docker_that_lets_neighbours_reach_the_loopback_address_is_noticed(
    make_host: MakeHost, docker_engine: dict[str, Any], version: str, severity: str
) -> None:
    docker_engine["/version"] = {"Version": version}
    (finding,) = docker.check_docker(make_host(), Wanted())
    assert (finding.severity, finding.data["version"]) == (severity, version)


def test_a_host_without_a_docker_is_no_obstacle(make_host: MakeHost) -> None:
    assert [finding.severity for finding in docker.check_docker(make_host(), Wanted())] == ["ok"]


@pytest.mark.parametrize(
    ("version", "severity"), [("20.10.24", "warning"), ("27.2.1", "warning"), ("27.3.0", "notice"), ("29.1.3", "ok")]
)
def test_a_docker_that_does_not_know_mirrored_networks_would_not_answer_the_computer_itself(
    make_host: MakeHost, docker_engine: dict[str, Any], version: str, severity: str
) -> None:
    docker_engine["/version"] = {"Version": version}
    host = make_host(**{"/proc/sys/kernel/osrelease": WSL2, "/sys/class/net/loopback0/address": ""})
    (finding,) = docker.check_docker(host, Wanted())
    assert finding.severity == severity


def test_the_docker_of_docker_desktop_is_noticed(make_host: MakeHost, docker_engine: dict[str, Any]) -> None:
    docker_engine["/version"] = {"Version": "29.1.3"}
    files = {"/proc/sys/kernel/osrelease": WSL2, "/run/docker-desktop/docker-desktop-user-distro": ""}
    (finding,) = docker.check_docker(make_host(**files), Wanted())
    assert finding.severity == "notice"
    assert "write hearth_windows_docker: desktop" in finding.message


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, [("firewall", "ok")]),
        ({"/etc/ufw/ufw.conf": "# on at boot\nENABLED=yes\nLOGLEVEL=low\n"}, [("firewall:ufw", "notice")]),
        ({"/etc/ufw/ufw.conf": "ENABLED=no\n"}, [("firewall", "ok")]),
        ({"/proc/77/comm": "firewalld\n"}, [("firewall:firewalld", "notice")]),
        ({"/etc/systemd/system/sysinit.target.wants/nftables.service": ""}, [("firewall:nftables", "warning")]),
    ],
)
def test_other_firewalls_are_noticed(make_host: MakeHost, files: dict[str, str], found: list[tuple[str, str]]) -> None:
    findings = docker.check_firewall(make_host(**files), Wanted())
    assert [(finding.id, finding.severity) for finding in findings] == found


def test_what_is_dockers_is_not_asked_where_there_is_to_be_no_docker(make_host: MakeHost) -> None:
    process = Wanted(runtime="process")
    assert not [*docker.check_docker(make_host(), process), *docker.check_firewall(make_host(), process)]
