# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker a host has or gets, and what is due for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.docker_plan import docker_plan

COMPANIONS = {"ca-certificates": "20230311", "python3-requests": "2.28.1"}
DEBIAN_13 = {"docker.io": "26.1.5+dfsg1-9+b9", "docker-cli": "26.1.5+dfsg1-9+b9", **COMPANIONS}
UPSTREAM = {
    "docker-ce": "5:28.5.2-1~debian.13~trixie",
    "docker-ce-cli": "5:28.5.2-1~debian.13~trixie",
    "containerd.io": "1.7.28-1",
    **COMPANIONS,
}


def plan(packages: Mapping[str, str], **options: Any) -> dict[str, Any]:
    lines = [f"installed {name} {version}" for name, version in packages.items()]
    defaults = {
        "wanted": "distribution",
        "distribution_packages": ["docker.io", "docker-cli"],
        "distribution_major": 26,
    }
    return docker_plan(lines, **{**defaults, **options})


def test_a_bare_host_gets_the_docker_that_is_wanted_and_what_it_needs() -> None:
    made = plan({})
    assert (made["flavour"], made["here"], made["differs"]) == ("docker.io", False, False)
    assert made["due"] == ["docker.io", "docker-cli", "ca-certificates", "python3-requests"]
    assert plan({}, wanted="upstream")["due"][:3] == ["docker-ce", "docker-ce-cli", "containerd.io"]


def test_a_host_that_has_everything_gets_nothing() -> None:
    assert plan(DEBIAN_13)["due"] == []
    assert plan(UPSTREAM, wanted="upstream")["due"] == []


@pytest.mark.parametrize(
    ("packages", "wanted", "flavour", "version"),
    [
        (DEBIAN_13, "upstream", "docker.io", "26.1.5+dfsg1-9+b9"),
        (UPSTREAM, "distribution", "docker-ce", "28.5.2-1~debian.13~trixie"),
        ({"moby-engine": "27.3.1-1", **COMPANIONS}, "distribution", "moby-engine", "27.3.1-1"),
    ],
)
def test_a_docker_that_is_here_stays_whichever_is_wanted(
    packages: Mapping[str, str], wanted: str, flavour: str, version: str
) -> None:
    made = plan(packages, wanted=wanted)
    assert (made["flavour"], made["version"], made["here"], made["differs"]) == (flavour, version, True, True)
    assert made["due"] == []


def test_what_dpkg_knows_but_has_not_installed_is_not_here() -> None:
    lines = ["config-files docker.io 26.1.5+dfsg1-9+b9", "not-installed docker-ce ", "unknown ok"]
    made = docker_plan(lines, wanted="distribution", distribution_packages=["docker.io"], distribution_major=26)
    assert made["installed"] == {}
    assert not made["here"]


def test_a_part_that_is_missing_is_due() -> None:
    assert plan({name: DEBIAN_13[name] for name in DEBIAN_13 if name != "docker-cli"})["due"] == ["docker-cli"]


def test_the_host_and_the_firewall_ask_for_more_packages() -> None:
    assert plan(DEBIAN_13, apparmor=True)["due"] == ["apparmor"]
    assert plan(UPSTREAM, wanted="upstream", firewall_backend="nftables")["due"] == ["nftables", "procps"]


def test_every_package_that_may_be_due_or_go_is_asked_for() -> None:
    options: dict[str, Any] = {"wanted": "upstream", "apparmor": True, "firewall_backend": "nftables"}
    made = plan({}, **options)
    assert set(made["due"]) <= set(made["known"])
    assert {*DEBIAN_13, *UPSTREAM, "moby-engine"} <= set(made["known"])


def test_a_version_is_pinned_where_it_is_not_there_yet() -> None:
    pins = ["docker-ce=5:28.5.2-*", "docker-ce-cli=5:28.5.2-*"]
    assert plan(COMPANIONS, wanted="upstream", version="28.5.2")["due"] == [*pins, "containerd.io"]
    assert plan(UPSTREAM, wanted="upstream", version="28.5.2")["due"] == []
    assert plan(UPSTREAM, wanted="upstream", version="27.5.1")["due"] == [
        "docker-ce=5:27.5.1-*",
        "docker-ce-cli=5:27.5.1-*",
    ]


def test_a_version_that_begins_like_another_one_is_another_one() -> None:
    longer = {**UPSTREAM, "docker-ce": "5:28.5.20-1~debian"}
    assert "docker-ce=5:28.5.2-*" in plan(longer, wanted="upstream", version="28.5.2")["due"]


def test_only_what_makes_docker_goes_with_it() -> None:
    assert plan(DEBIAN_13)["removable"] == ["docker.io", "docker-cli"]
    assert plan({})["removable"] == []


@pytest.mark.parametrize(
    ("packages", "options", "major"),
    [
        ({}, {}, 26),
        ({}, {"wanted": "upstream"}, 29),
        ({}, {"wanted": "upstream", "version": "27.5.1"}, 27),
        (UPSTREAM, {"wanted": "upstream", "version": "27.5.1"}, 28),
        ({"docker.io": "~rc"}, {}, 0),
    ],
)
def test_the_major_version_is_of_the_docker_that_is_here_or_comes(
    packages: Mapping[str, str], options: dict[str, Any], major: int
) -> None:
    assert plan(packages, **options)["major"] == major


def test_settings_are_those_that_docker_knows() -> None:
    made = plan({}, bind_address="127.0.0.1", log_driver="json-file", log_options={"max-file": 5, "compress": True})
    assert made["settings"] == {
        "live-restore": True,
        "ip": "127.0.0.1",
        "default-network-opts": {"bridge": {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}},
        "log-driver": "json-file",
        "log-opts": {"max-file": "5", "compress": "True"},
    }
    assert "default-network-opts" not in plan({}, bind_address="127.0.0.1", distribution_major=20)["settings"]


def test_settings_that_are_left_empty_are_left_alone() -> None:
    assert plan({}, live_restore=False)["settings"] == {"live-restore": False}
    assert plan({}, wanted="upstream", firewall_backend="iptables")["settings"]["firewall-backend"] == "iptables"


@pytest.mark.parametrize(
    ("packages", "options", "words"),
    [
        ({}, {"version": "28.5.2"}, "or set docker_packages to 'upstream'."),
        (DEBIAN_13, {"version": "28.5.2"}, "set docker_packages to 'upstream' after a run with docker_state absent."),
        (DEBIAN_13, {"firewall_backend": "nftables"}, "which needs Docker 29, and docker.io is 26 here"),
        (UPSTREAM, {"wanted": "upstream", "firewall_backend": "nftables"}, "docker-ce is 28 here"),
    ],
)
def test_what_cannot_be_had_is_told_with_its_remedy(
    packages: Mapping[str, str], options: dict[str, Any], words: str
) -> None:
    (finding,) = plan(packages, **options)["findings"]
    assert words in finding


def test_what_can_be_had_is_not_complained_of() -> None:
    assert plan({}, wanted="upstream", version="29.1.0", firewall_backend="nftables")["findings"] == []
