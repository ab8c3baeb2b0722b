# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of the models of a host: a file that is not as it was is read, and so are all where that is wanted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Model, Record, Store
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.modules.sbom_info import run

RECORDED = "5a" * 32


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """One model that is there as it was verified, but for what its record says of its hash."""
    (tmp_path / "chat").mkdir()
    file = tmp_path / "chat/model.safetensors"
    file.write_bytes(b"weights")
    (tmp_path / "chat/config.json").write_text('{"quantization_config": {"quant_method": "awq", "bits": 4}}')
    store = Store(str(tmp_path))
    store.make_directory(store.state)
    record = Record(file.name, file.name, 7, RECORDED, file.stat().st_mtime_ns)
    store.models["chat"] = Model("hf://owner/repo", "c0", (record,))
    store.save()
    return tmp_path


def look(directory: Path, verify: str = "size") -> dict[str, Any]:
    params = {"directory": str(directory), "models_directory": str(directory), "packages": ["x"], "verify": verify}
    (model,) = run(params, Host(str(directory)), lambda _words: "")["models"]
    return dict(model)


def test_the_recorded_hash_counts_while_the_file_is_as_it_was(directory: Path) -> None:
    model = look(directory)
    assert model["files"] == [{"path": "model.safetensors", "bytes": 7, "sha256": RECORDED}]
    assert (model["format"], model["quantization"]) == ("safetensors", "awq 4")
    file = directory / "chat/model.safetensors"
    truth = hashlib.sha256(b"weights").hexdigest()
    assert look(directory, "full")["files"][0]["sha256"] == truth
    os.utime(file, ns=(1, 1))
    assert look(directory)["files"][0]["sha256"] == truth
    file.unlink()
    assert look(directory)["files"] == [{"path": "model.safetensors", "bytes": 0, "sha256": ""}]
