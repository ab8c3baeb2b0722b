# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on the host after a hub that cut, stumbled and lost its mind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

DIRECTORY = "/srv/models"


@pytest.fixture
def published(variables: dict[str, Any]) -> Path:
    """What the hub has: owner/repository/file."""
    return Path(variables["lab_directory"], "hub", "root", "hearth")


def test_every_file_has_the_bytes_that_were_published(host: Any, published: Path) -> None:
    wanted = {
        f"{name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for name, pattern in (("small", "*.gguf"), ("large", "*.gguf"), ("whole", "*"))
        for path in published.joinpath(name).glob(pattern)
    }
    assert len(wanted) == 4
    listing = host.check_output(
        f"cd {DIRECTORY} && find . -type f -not -path './.*' -exec sha256sum {{}} +"
    ).splitlines()
    found = {path.removeprefix("./"): digest for digest, path in (line.split(maxsplit=1) for line in listing)}
    assert found == wanted


def test_files_are_for_all_to_read_and_for_none_to_write(host: Any) -> None:
    modes = host.check_output(f"find {DIRECTORY} -mindepth 1 -not -path '*/.*' -printf '%y%m\\n' | sort -u").split()
    assert modes == ["d755", "f444"]


def test_nothing_half_is_left_and_the_wrong_bytes_are_set_aside(host: Any) -> None:
    assert host.check_output(f"find {DIRECTORY}/.fetch/partial -type f") == ""
    assert host.check_output(f"find {DIRECTORY}/.quarantine -type f | wc -l") == "1"
    assert not host.file(f"{DIRECTORY}/spoiled/spoiled.gguf").exists
