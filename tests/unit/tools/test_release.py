# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what names one version in its tag, its metadata and its changelog becomes a release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection for which the changelog of its first version was made, as docs/extending.md says."""
    clone = tmp_path_factory.mktemp("released")
    for name in ("tools/release", "changelogs/config.yaml"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    (clone / "galaxy.yml").write_text(
        "namespace: hearth\nname: llm\nversion: 1.0.0\nreadme: README.md\nauthors: [we]\n"
    )
    (clone / "README.md").write_text("A collection.\n")
    (clone / "changelogs/fragments").mkdir()
    (clone / "changelogs/fragments/1-first.yml").write_text("---\nrelease_summary: The first one.\n")
    subprocess.run([str(BIN / "antsibull-changelog"), "release"], cwd=clone, check=True, capture_output=True)
    return clone


@pytest.fixture
def clone(released: Path, tmp_path: Path) -> Path:
    shutil.copytree(released, tmp_path / "clone")
    return tmp_path / "clone"


def release(clone: Path, tag: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_HOME": str(clone.parent)}
    command = [str(clone / "tools/release"), tag, str(clone.parent / "out")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_agrees_is_built(clone: Path) -> None:
    built = release(clone, "v1.0.0")
    assert built.returncode == 0, built.stderr
    assert (clone.parent / "out/hearth-llm-1.0.0.tar.gz").is_file()


def test_another_tag_is_refused(clone: Path) -> None:
    assert "the tag would have to be v1.0.0" in release(clone, "v1.0.1").stderr


def test_a_version_without_notes_is_refused(clone: Path) -> None:
    metadata = clone / "galaxy.yml"
    metadata.write_text(metadata.read_text().replace("1.0.0", "1.1.0"))
    assert "CHANGELOG.md has no section v1.1.0" in release(clone, "v1.1.0").stderr


def test_a_note_that_was_left_out_is_named(clone: Path) -> None:
    (clone / "changelogs/fragments/2-second.yml").write_text("---\nbugfixes: [Late.]\n")
    assert "changelogs/fragments/2-second.yml is in no release yet" in release(clone, "v1.0.0").stderr
