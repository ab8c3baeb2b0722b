# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system by its files, and packages by what lists them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._bill.system import packages, system
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host


def test_only_what_is_installed_and_named_is_listed() -> None:
    def run(words: Sequence[str]) -> str:
        said = (
            "installed\tnftables\t1.0.6\tamd64\nconfig-files\tdocker.io\t20\tamd64\ninstalled\tvim\t9\tamd64\nnoise\n"
        )
        return said if words[0] == "dpkg-query" else ""

    assert packages(run, ["nftables", "docker*"]) == [
        {"kind": "deb", "name": "nftables", "version": "1.0.6", "architecture": "amd64"}
    ]


def test_a_system_without_dpkg_is_asked_by_rpm() -> None:
    found = packages(lambda words: "installed\tnftables\t1:1.0-4.el9\tx86_64\n" if words[0] == "rpm" else "", ["nft*"])
    assert [(package["kind"], package["version"]) for package in found] == [("rpm", "1:1.0-4.el9")]


@pytest.mark.parametrize(
    ("said", "driver"),
    [
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n", "570.86.15"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n", "535.183.01"),
        ("", ""),
    ],
)
def test_the_driver_is_the_one_that_is_loaded(tmp_path: Path, said: str, driver: str) -> None:
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text(said)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n')
    told = system(Host(str(tmp_path)))
    assert (told["driver"], told["id"], told["version"]) == (driver, "debian", "12")
