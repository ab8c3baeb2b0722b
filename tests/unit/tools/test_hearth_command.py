# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`./hearth up` hands its options on, in their order, and knows its own wherever that stands."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

HEARTH = Path(__file__).parents[3] / "hearth"
PAGE = ["-e", '{"hearth_frontends": {"open_webui": {}}}']


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """With an environment that is complete, and an ansible-playbook that says what it was told."""
    shutil.copy(HEARTH, tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for lock in (tmp_path / "requirements.txt", tmp_path / ".venv/requirements.txt"):
        lock.write_text("")
    program = tmp_path / ".venv/bin/ansible-playbook"
    program.write_text("#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], []),
        (["-v", "--diff"], ["-v", "--diff"]),
        (["--page"], PAGE),
        (["--page", "-v"], [*PAGE, "-v"]),
        (["-v", "--page"], [*PAGE, "-v"]),
        (["-e", "a=b c", "--page", "--diff"], [*PAGE, "-e", "a=b c", "--diff"]),
    ],
)
def test_the_page_may_be_asked_for_anywhere(clone: Path, given: list[str], told: list[str]) -> None:
    output = subprocess.run([clone / "hearth", "up", *given], capture_output=True, text=True, check=True).stdout
    words = json.loads(output)
    assert words[:3] == ["site.yml", "-i", "inventories/local"]
    assert words[5:] == told


@pytest.mark.parametrize(
    "named", [["-i", "inventories/mine"], ["-iinventories/mine"], ["--inventory=inventories/mine"]]
)
def test_another_inventory_is_served_alone_and_never_purged_by_a_word_for_trials(clone: Path, named: list[str]) -> None:
    up = subprocess.run([clone / "hearth", "up", *named], capture_output=True, text=True, check=True).stdout
    assert json.loads(up) == ["site.yml", *named]
    (clone / "inventories/local/.secrets").mkdir(parents=True)
    down = subprocess.run([clone / "hearth", "down", *named], capture_output=True, text=True, check=False)
    assert (down.returncode, down.stdout) == (2, "")
    assert "takes no -i" in down.stderr
    assert (clone / ".venv").exists()
    assert (clone / "inventories/local/.secrets").exists()
