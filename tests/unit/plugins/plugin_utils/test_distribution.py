# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A distribution of WSL is described together with the Windows that it is in."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _distribution

GROUPS = {"all": ["llm", "shop-pc"], "hearth_windows": ["shop-pc"]}
REACHED_BY = {
    "ansible_connection": "community.general.wsl",
    "ansible_remote_tmp": "/root/.ansible/tmp",
    "ansible_user": "olivia",
    "wsl_distribution": "Ubuntu-24.04",
}


def found(host: str = "llm", reached_by: dict[str, Any] | None = None, **described: Any) -> list[str]:
    given = {"hearth_windows_host": "shop-pc", **{f"hearth_{name}": value for name, value in described.items()}}
    given = {name: value for name, value in given.items() if value is not None}
    computer = {"hearth_windows_distribution": "Ubuntu-24.04", "hearth_windows_memory": "24GiB"}
    return list(_distribution.findings(host, GROUPS, given, {**REACHED_BY, **(reached_by or {})}, computer))


def test_a_distribution_in_its_windows_is_no_finding() -> None:
    assert found() == []
    assert found(gpus=["nvidia.com/gpu=all"], gpu_policy="required", models={"a": {"gpus": []}}) == []
    # Written for all.
    assert found(windows_memory="24GiB") == []
    # Reached by an SSH server of its own, with the user of Linux.
    assert found(reached_by={"ansible_connection": "ssh", "ansible_remote_tmp": None}) == []
    assert found(reached_by={"ansible_connection": "ssh"}, windows_host=None) == []


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("nothing says in which Windows it is: write hearth_windows_host", {"windows_host": None}),
        ("is 'shop_pc', which is no host of hearth_windows: write shop-pc", {"windows_host": "shop_pc"}),
        ("is 'laptop', which is no host of hearth_windows: name it there", {"windows_host": "laptop"}),
        ("shop-pc is in hearth_windows, and has a hearth_windows_host", {"host": "shop-pc"}),
        ("home of olivia, who is a user of Windows", {"reached_by": {"ansible_remote_tmp": None}}),
        ("home of olivia, who is a user of Windows", {"reached_by": {"ansible_remote_tmp": "~/.ansible/tmp"}}),
        ("and the distribution of shop-pc is 'Ubuntu-24.04'", {"reached_by": {"wsl_distribution": "Debian"}}),
        ("hearth_gpus names nvidia.com/gpu=0, and Windows gives", {"gpus": ["nvidia.com/gpu=0"]}),
        ("hearth_models.a.gpus names GPU-1", {"models": {"a": {"gpus": ["GPU-1"]}}}),
        ("hearth_windows_disk stands at llm, and is read of its PC: write it at shop-pc.", {"windows_disk": "N:\\WSL"}),
        ("hearth_windows_memory stands at llm, and is read of its PC", {"windows_memory": "8GiB"}),
        ("of shop-pc it is 'engine': write the same", {"windows_docker": "desktop", "gpu_policy": "none"}),
    ],
)
def test_what_does_not_fit_is_said_with_its_remedy(words: str, arguments: dict[str, Any]) -> None:
    (finding,) = found(**arguments)
    assert words in finding


def test_docker_desktop_gives_no_gpu() -> None:
    assert "Docker Desktop gives our containers no GPU" in found(windows_docker="desktop")[-1]


def test_a_pc_has_one_distribution_that_serves() -> None:
    assert list(_distribution.of_computer("shop-pc", ["llm"])) == []
    (nobody,) = _distribution.of_computer("shop-pc", [])
    assert "no host names it in hearth_windows_host, so that nothing would serve there" in nobody
    (both,) = _distribution.of_computer("shop-pc", ["a", "b"])
    assert "a and b name shop-pc in hearth_windows_host, and a PC is prepared for one distribution" in both
