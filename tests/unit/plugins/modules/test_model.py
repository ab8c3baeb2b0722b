# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth.llm.model: what it decides, without Ansible around it. What it promises in playbooks is in tests/integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.modules import model
from fakes.hub import Hub

SHA = "a" * 64


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "hub") as running:
        running.publish("o/r", {"model.gguf": b"GGUF" + bytes(1000), "config.json": "{}"})
        yield running


def run(directory: Path, *models: dict[str, Any], check_mode: bool = False, **options: Any) -> model.Result:
    spec = model.argument_spec()
    defaults = {name: option.get("default") for name, option in spec.items()}
    entries = [
        {**{name: option.get("default") for name, option in spec["models"]["options"].items()}, **entry}
        for entry in models
    ]
    params = {**defaults, "directory": str(directory), "models": entries, **options}
    return model.run(params, check_mode=check_mode, listen=lambda: None)


@pytest.mark.parametrize(
    ("entries", "options", "words"),
    [
        ([{"name": "../x", "source": "hf://o/r"}], {}, "cannot be a directory"),
        ([{"name": ".fetch", "source": "hf://o/r"}], {}, "cannot be a directory"),
        ([{"name": "x", "source": "hf://o/r"}, {"name": "x", "source": "hf://o/s"}], {}, "twice"),
        ([{"name": "x", "source": "hf://o/r/a", "sha256": "abc"}], {}, "64 hexadecimal"),
        ([{"name": "x"}], {}, "has no source"),
        ([], {"connections": 0}, "from 1 to 64"),
        ([], {"owner": "nobody-of-that-name"}, "not known on this host"),
        ([{"name": "x", "source": "http://models.example.org/x.gguf"}], {}, "allow_http"),
        ([{"name": "x", "source": "hf://o/r"}], {"endpoint": "http://hub.example.org"}, "allow_http"),
        (
            [{"name": "x", "source": "hf://o/r"}],
            {"endpoint": "http://hub.example.org", "allow_http": True, "token": "hf"},
            "clear text",
        ),
        (
            [{"name": "x", "source": "hf://o/r/x.gguf"}],
            {"lock": {"hf://o/r/x.gguf": {"files": [{"path": "x.gguf"}]}}},
            "Restore the lock file",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    tmp_path: Path, entries: list[dict[str, Any]], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        run(tmp_path / "models", *entries, check_mode=True, **options)
    assert not (tmp_path / "models").exists()


def test_a_lock_that_contradicts_the_user_is_not_obeyed_by_either_side(tmp_path: Path) -> None:
    lock = {"hf://o/r/x.gguf": {"revision": "c", "files": [{"path": "x.gguf", "bytes": 1, "sha256": "b" * 64}]}}
    with pytest.raises(InputError, match="Correct the one that is wrong"):
        run(tmp_path / "models", {"name": "x", "source": "hf://o/r/x.gguf", "sha256": SHA}, lock=lock, check_mode=True)


def test_small_files_are_verified_by_the_name_that_git_gives_them(tmp_path: Path, hub: Hub) -> None:
    hub.fault("resolve:*config.json", "corrupt", at=0)
    with pytest.raises(HearthError, match=r"config.json: wrong bytes came.*expected git blob"):
        run(tmp_path / "models", {"name": "x", "source": "hf://o/r"}, endpoint=hub.url)
    hub.faults.clear()
    result = run(tmp_path / "models", {"name": "x", "source": "hf://o/r"}, endpoint=hub.url)
    assert all(len(file["sha256"]) == 64 for entry in result.lock.values() for file in entry["files"])


def test_a_web_file_that_nobody_vouches_for_has_to_be_what_its_name_says(tmp_path: Path, hub: Hub) -> None:
    (hub.root / "files").mkdir()
    (hub.root / "files/x.gguf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:...\n")
    with pytest.raises(HearthError, match="Git LFS pointer"):
        run(tmp_path / "models", {"name": "x", "source": f"{hub.url}/files/x.gguf"})


def test_right_bytes_that_a_person_put_there_are_taken_over(tmp_path: Path, hub: Hub) -> None:
    there = tmp_path / "models/x/model.gguf"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"GGUF" + bytes(1000))
    there.chmod(0o444)
    wanted = {"name": "x", "source": "hf://o/r/model.gguf"}
    assert run(tmp_path / "models", wanted, endpoint=hub.url, check_mode=True).changed is False
    assert run(tmp_path / "models", wanted, endpoint=hub.url).changed is False
    assert hub.sent("cdn:*") == 0
    hub.forget()
    assert run(tmp_path / "models", wanted, endpoint=hub.url).models["x"]["path"] == str(there)
    assert not hub.seen


def test_a_model_of_another_source_replaces_the_old_one_and_pruning_removes_what_is_left(
    tmp_path: Path, hub: Hub
) -> None:
    hub.publish("o/s", {"model.gguf": b"GGUFnew", "more.gguf": b"GGUFmore"})
    models = tmp_path / "models"
    run(models, {"name": "x", "source": "hf://o/r"}, endpoint=hub.url)
    result = run(models, {"name": "x", "source": "hf://o/s"}, endpoint=hub.url)
    assert (models / "x/model.gguf").read_bytes() == b"GGUFnew"
    assert (models / "x/config.json").exists()
    assert (result.removed, result.quarantined) == ([], [])
    dry = run(models, {"name": "x", "source": "hf://o/s"}, endpoint=hub.url, prune=True, check_mode=True)
    assert (dry.changed, dry.removed) == (True, ["x/config.json"])
    run(models, {"name": "x", "source": "hf://o/s"}, endpoint=hub.url, prune=True)
    assert sorted(path.name for path in (models / "x").iterdir()) == ["model.gguf", "more.gguf"]


def test_a_source_on_the_host_is_copied_again_when_it_has_changed(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF one")
    wanted = {"name": "x", "source": f"file://{own}"}
    assert run(tmp_path / "models", wanted).changed
    own.touch()
    assert not run(tmp_path / "models", wanted).changed
    own.write_bytes(b"GGUF two")
    assert run(tmp_path / "models", wanted, check_mode=True).changed
    assert run(tmp_path / "models", wanted).changed
    assert (tmp_path / "models/x/own.gguf").read_bytes() == b"GGUF two"
    own.unlink()
    assert not run(tmp_path / "models", wanted).changed


def test_options_and_their_documentation_are_the_same() -> None:
    def compare(spec: dict[str, Any], documented: dict[str, Any]) -> None:
        assert set(spec) == set(documented)
        for name, option in spec.items():
            for key in ("type", "elements", "required", "default", "choices"):
                assert option.get(key, False if key == "required" else None) == documented[name].get(
                    key, False if key == "required" else None
                ), name
            if "options" in option:
                compare(option["options"], documented[name]["suboptions"])

    compare(model.argument_spec(), yaml.safe_load(model.DOCUMENTATION)["options"])
