# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on a host, by the records of what put it there and one look at each file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Model, Record, Store
from ansible_collections.hearth.llm.plugins.modules.model_info import run

SOURCE = "hf://owner/repo/chat.gguf"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """One model that is there as it was verified."""
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat/chat.gguf").write_bytes(b"GGUF")
    store = Store(str(tmp_path))
    store.make_directory(store.state)
    mtime = (tmp_path / "chat/chat.gguf").stat().st_mtime_ns
    store.models["chat"] = Model(SOURCE, "c0", (Record("chat.gguf", "chat.gguf", 4, "5a", mtime),))
    store.save()
    return tmp_path


def look(directory: Path) -> dict[str, Any]:
    return run({"directory": str(directory)})


def test_a_model_is_whole_while_its_file_is_as_it_was(directory: Path) -> None:
    there = look(directory)
    path = directory / "chat/chat.gguf"
    file = {"path": str(path), "bytes": 4, "sha256": "5a", "intact": True}
    assert there["models"] == {
        "chat": {"source": SOURCE, "revision": "c0", "bytes": 4, "complete": True, "files": [file]}
    }
    assert there["fetching"] == {}
    assert there["free_bytes"] > 0
    path.write_bytes(b"GGUF and more")
    assert (look(directory)["models"]["chat"]["complete"], look(directory)["models"]["chat"]["bytes"]) == (False, 0)
    path.unlink()
    assert look(directory)["models"]["chat"]["files"] == [{**file, "intact": False}]


def test_a_directory_that_is_not_there_has_no_models(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere")["models"] == {}


def test_how_far_a_fetch_is_is_told_while_its_process_lives(directory: Path) -> None:
    current = {"what": "fetch", "name": "big/part/a.gguf", "bytes": 100, "done": 43, "rate": 1.5, "note": "", "from": 0}
    progress = directory / ".fetch/progress.json"
    progress.write_text(json.dumps({"pid": os.getpid(), "files": 1, "bytes": 100, "finished": [], "current": current}))
    assert look(directory)["fetching"] == {
        "model": "big",
        "file": "part/a.gguf",
        "what": "fetch",
        "bytes": 100,
        "done": 43,
        "rate": 1.5,
    }
    progress.write_text(json.dumps({"pid": 1 << 30, "current": current}))
    assert look(directory)["fetching"] == {}
