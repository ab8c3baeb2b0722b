# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose the files are that come."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_whom_the_directory_belongs_unless_somebody_is_named(tmp_path: Path) -> None:
    os.chown(tmp_path, 99, 98)
    store, named = Store(str(tmp_path)), Store(str(tmp_path), uid=97)
    for one, name, owner in ((store, "a", (99, 98)), (named, "b", (97, os.getegid()))):
        path = tmp_path / name
        assert one.owner_after(str(path)) == f"{owner[0]}:{owner[1]}"
        one.make_directory(str(path))
        assert (path.stat().st_uid, path.stat().st_gid) == owner
