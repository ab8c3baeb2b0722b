# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes are on the disk before their name is: in which order the kernel was asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _durable


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was put on the disk, and what was renamed, in order."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        done.append(f"settle {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_replace(draft: str, path: str) -> None:
        done.append(f"rename {Path(draft).name} {Path(path).name}")
        replace(draft, path)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    return done


def test_a_file_gets_its_name_when_its_bytes_are_there(tmp_path: Path, asked: list[str]) -> None:
    (tmp_path / "draft").write_text("new")
    (tmp_path / "file").write_text("old")
    _durable.replace(str(tmp_path / "draft"), str(tmp_path / "file"))
    assert asked == ["settle draft", "rename draft file", f"settle {tmp_path.name}"]
    assert (tmp_path / "file").read_text() == "new"


def test_a_directory_is_there_when_all_below_it_is(tmp_path: Path, asked: list[str]) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    (below / "file").write_text("")
    _durable.settle_tree(str(tmp_path))
    assert asked == ["settle file", "settle b", "settle a", f"settle {tmp_path.name}"]
