# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot is brought back as root: what it names has to lie in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._backup import manifest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError


def told(root: Path, place: str) -> None:
    said = {"made_ns": 1, "kept": [{"name": "chats", "place": place, "counts": {}}], "counted": {}}
    (root / manifest.NAME).write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize("place", ["../../etc", "/etc", "chats/../../etc", "", "link", "link/below"])
def test_a_place_that_leads_out_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    told(tmp_path, place)
    with pytest.raises(HearthError, match="leads out of it"):
        manifest.read(str(tmp_path))


def test_a_place_within_is_taken(tmp_path: Path) -> None:
    told(tmp_path, "chats/data")
    assert manifest.read(str(tmp_path))["kept"][0]["place"] == "chats/data"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "{}",
        '{"made_ns": 1e999, "kept": [], "counted": {}}',
        '{"made_ns": 1, "kept": [{"name": "chats", "place": "chats"}], "counted": {}}',
        '{"made_ns": 1, "kept": [{"name": "chats", "place": "chats", "counts": {"users": ["/etc/shadow", "user"]}}], "counted": {}}',
        '{"made_ns": 1, "kept": [{"name": "chats", "place": "chats", "counts": {"users": ["../../a.db", "user"]}}], "counted": {}}',
        '{"made_ns": 1, "kept": [], "counted": {"chats": {"users": "many"}}}',
        "[" * 100_000,
    ],
)
def test_a_manifest_of_another_form_is_refused(said: str) -> None:
    with pytest.raises(HearthError, match="none of this collection's"):
        manifest.parse(said)


def test_a_pipe_in_the_place_of_the_manifest_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / manifest.NAME)
    with pytest.raises(HearthError, match="it is no file"):
        manifest.read(str(tmp_path))


def test_what_is_named_and_not_there_is_not_taken_for_empty(tmp_path: Path) -> None:
    told(tmp_path, "chats")
    with pytest.raises(HearthError, match="chats is no directory"):
        manifest.verify(str(tmp_path))


def test_what_was_counted_is_said_in_words() -> None:
    assert (
        manifest.words({"open_webui": {"users": 3, "files": 9}, "gateway": {"files": 2}})
        == "open_webui: 3 users, 9 files; gateway: 2 files"
    )
