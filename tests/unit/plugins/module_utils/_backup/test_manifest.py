# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot is brought back as root: what it names has to lie in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._backup import manifest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError


def told(root: Path, place: str) -> None:
    (root / manifest.NAME).write_text(json.dumps({"kept": [{"name": "chats", "place": place}]}), encoding="utf-8")


@pytest.mark.parametrize("place", ["../../etc", "/etc", "chats/../../etc", "", "link", "link/below"])
def test_a_place_that_leads_out_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    told(tmp_path, place)
    with pytest.raises(HearthError, match="leads out of it"):
        manifest.read(str(tmp_path))


def test_a_place_within_is_taken(tmp_path: Path) -> None:
    told(tmp_path, "chats/data")
    assert manifest.read(str(tmp_path))["kept"][0]["place"] == "chats/data"
