# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker there is in a distribution of WSL, and what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.docker_plan import docker_plan

SOUND = {"version": 2, "systemd": True, "systemd_wanted": True, "network": "nat", "docker_desktop": False}


def plan(in_wsl: str = "engine", lines: Sequence[str] = (), **wsl: Any) -> dict[str, Any]:
    return docker_plan(
        lines,
        wanted="distribution",
        distribution_packages=["docker.io"],
        distribution_major=29,
        wsl={**SOUND, **wsl},
        in_wsl=in_wsl,
        log_driver="json-file",
    )


@pytest.mark.parametrize(
    ("in_wsl", "wsl", "words"),
    [
        ("engine", {"version": 1}, "run 'wsl --set-version' with the distribution's name and 2 in Windows"),
        ("engine", {"systemd": False, "systemd_wanted": False}, "write systemd=true below [boot] in /etc/wsl.conf"),
        ("engine", {"systemd": False}, "nothing would start Docker: run 'wsl --terminate'"),
        ("engine", {"docker_desktop": True}, "switch its integration off for this distribution"),
        ("desktop", {}, "start it in Windows, and switch its integration on for this distribution"),
    ],
)
def test_what_stands_in_the_way_is_said_with_its_remedy(in_wsl: str, wsl: dict[str, Any], words: str) -> None:
    (finding,) = plan(in_wsl, **wsl)["findings"]
    assert words in finding


def test_an_engine_in_a_sound_distribution_is_one_as_anywhere() -> None:
    elsewhere = docker_plan(
        [], wanted="distribution", distribution_packages=["docker.io"], distribution_major=29, log_driver="json-file"
    )
    assert plan() == elsewhere
    assert plan("desktop", version=0) == elsewhere


def test_docker_desktop_is_left_as_it_is_and_promises_less() -> None:
    made = plan("desktop", ["installed ca-certificates 1", "installed docker.io 29.1.3"], docker_desktop=True)
    assert (made["findings"], made["desktop"], made["settings"], made["removable"]) == ([], True, {}, [])
    # What Ansible speaks to it with.
    assert made["due"] == ["python3-requests"]
    assert any("no GPU" in limit for limit in made["limits"])
