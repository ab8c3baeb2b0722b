# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model is made once, of what was verified, whole or not at all. optimum-cli is a stand-in here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Model, Record, Store
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._openvino.compress import run
from ansible_collections.hearth.llm.plugins.modules.compressed_model import argument_spec

PROJECT = Path(__file__).parents[4]
PROGRAM = PROJECT / "tests/fakes/openvino/optimum_cli.py"
CONFIG = {"model_type": "mistral", "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4}
VERSIONS = {"nncf": "3.4.0", "optimum-intel": "2.2.0"}
PARAMS: dict[str, Any] = {
    **{name: option.get("default") for name, option in argument_spec().items()},
    "program": str(PROGRAM),
    "versions": VERSIONS,
    "memory_bytes": 1 << 40,
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    put(tmp_path / "models/chat")
    return tmp_path / "models"


def put(directory: Path, **config: Any) -> Path:
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps({**CONFIG, **config}))
    (directory / "model.safetensors").write_bytes(bytes(1000))
    return directory


def module(
    directory: Path, *, check: bool = False, models: dict[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    wanted = {"chat": {"weights": "int8"}} if models is None else models
    params = {**PARAMS, "directory": str(directory)}
    params["models"] = [
        {"name": name, "path": str(directory / name), "compression": compression}
        for name, compression in wanted.items()
    ]
    return run({**params, **given}, Host("/"), check_mode=check)


def manifest(result: dict[str, Any], name: str = "chat") -> dict[str, Any]:
    return dict(json.loads(Path(result["models"][name]["path"], "hearth.json").read_text()))


def test_it_is_made_once_and_says_what_it_was_made_of(models: Path) -> None:
    first = module(models)
    assert (first["changed"], first["made"]) == (True, ["chat"])
    own = Path(first["models"]["chat"]["path"])
    assert own.parent == models / ".compressed"
    said = manifest(first)
    assert said["method"] == {"weights": "int8"}
    assert said["versions"] == VERSIONS
    assert {file["path"] for file in said["made_of"]} == {"config.json", "model.safetensors"}
    assert said["bytes_before"] == 1000
    assert said["bytes_after"] == sum(file["bytes"] for file in said["files"])
    listed = {file["path"]: file["sha256"] for file in said["files"]}
    assert listed.keys() == {path.name for path in own.iterdir()} - {"hearth.json"}
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in own.iterdir())
    second = module(models)
    assert (second["changed"], second["made"]) == (False, [])
    assert second["models"] == first["models"]
    assert "chat   int8" in second["report"]


def test_the_program_asks_no_network_and_knows_no_token(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecret")
    said = json.loads(Path(module(models)["models"]["chat"]["path"], "config.json").read_text())
    assert (said["HF_HUB_OFFLINE"], said["TRANSFORMERS_OFFLINE"], said["HF_TOKEN"]) == ("1", "1", "")


def test_what_the_description_leaves_open_the_preset_of_the_architecture_says(models: Path) -> None:
    assert module(models, models={"chat": {}})["models"]["chat"]["method"] == {
        "weights": "int4",
        "group_size": 64,
        "ratio": 0.6,
        "symmetric": True,
    }
    own = module(models, models={"chat": {"weights": "int4", "ratio": 1, "symmetric": False, "group_size": 32}})
    said = json.loads(Path(own["models"]["chat"]["path"], "config.json").read_text())
    assert (said["weight_format"], said["group_size"], said["ratio"], said["sym"]) == ("int4", "32", "1.0", "False")


def test_a_preset_is_narrowed_to_a_narrow_model_and_a_wish_is_refused(models: Path) -> None:
    put(models / "narrow", hidden_size=96, intermediate_size=320)
    made = module(models, models={"narrow": {}}, check=True)
    assert made["models"]["narrow"]["method"]["group_size"] == 32
    with pytest.raises(
        InputError, match=r"group_size is 128, and its layers have 96 and 320 weights .* write 32 or 16"
    ) as refused:
        module(models, models={"chat": {}, "narrow": {"group_size": 128}})
    assert "narrow" in refused.value.message
    assert not (models / ".compressed").exists()


@pytest.mark.parametrize("changed", ["bytes", "method", "versions"])
def test_it_is_made_again_when_an_input_has_changed_and_the_one_before_stays(models: Path, changed: str) -> None:
    before = module(models)["models"]["chat"]["path"]
    given: dict[str, Any] = {}
    if changed == "bytes":
        (models / "chat/model.safetensors").write_bytes(bytes(2000))
    elif changed == "method":
        given["models"] = {"chat": {"weights": "fp16"}}
    else:
        given["versions"] = {**VERSIONS, "nncf": "3.5.0"}
    after = module(models, **given)
    assert after["changed"]
    assert after["models"]["chat"]["path"] != before
    assert Path(before, "hearth.json").exists()


def test_what_nobody_serves_is_removed_and_nothing_else(models: Path) -> None:
    old = module(models)["models"]["chat"]["path"]
    new = module(models, models={"chat": {"weights": "fp16"}})["models"]["chat"]["path"]
    (models / ".compressed/mine@home").mkdir()
    dry = module(models, state="pruned", keep=[new], check=True)
    assert (dry["changed"], dry["removed"], Path(old).exists()) == (True, [old], True)
    assert module(models, state="pruned", keep=[new])["removed"] == [old]
    assert sorted(path.name for path in (models / ".compressed").iterdir() if path.is_dir()) == sorted(
        [Path(new).name, "mine@home"]
    )
    assert not module(models, state="pruned", keep=[new])["changed"]


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(models: Path) -> None:
    dry = module(models, check=True, models={"chat": {"weights": "int8"}, "coming": {"weights": "int8"}})
    assert (dry["changed"], dry["made"]) == (True, ["chat", "coming"])
    assert dry["models"]["chat"]["bytes_after"] == 0
    assert not (models / ".compressed").exists()
    assert module(models)["models"]["chat"]["path"] == dry["models"]["chat"]["path"]


def test_the_directory_of_models_need_not_be_there_where_all_were_put_elsewhere(models: Path, tmp_path: Path) -> None:
    wanted = [{"name": "chat", "path": str(models / "chat"), "compression": {"weights": "int8"}}]
    made = run({**PARAMS, "directory": str(tmp_path / "no/models"), "models": wanted}, Host("/"), check_mode=False)
    assert Path(made["models"]["chat"]["path"], "hearth.json").exists()


def test_too_little_memory_is_said_before_the_first_one_is_begun(models: Path) -> None:
    put(models / "large")
    with (models / "large/model.safetensors").open("r+b") as stream:
        stream.truncate(14 << 30)
    with pytest.raises(InputError, match=r"large about 31\.\d+ GB, and 17\.\d+ GB are free.*Nothing was begun"):
        module(models, models={"chat": {"weights": "int8"}, "large": {}}, memory_bytes=16 << 30)
    assert not (models / ".compressed").exists()


def test_only_bytes_that_were_verified_are_taken(models: Path) -> None:
    store = Store(str(models))
    Path(store.state).mkdir()
    file = models / "chat/model.safetensors"
    records = [
        Record(path.name, "hf://o/chat", path.stat().st_size, f"{number:064x}", path.stat().st_mtime_ns)
        for number, path in enumerate((models / "chat/config.json", file))
    ]
    store.models["chat"] = Model("hf://o/chat", "1d91e2b4", tuple(records))
    store.save()
    said = manifest(module(models))
    assert (said["source"], said["revision"]) == ("hf://o/chat", "1d91e2b4")
    assert {one["sha256"] for one in said["made_of"]} == {f"{0:064x}", f"{1:064x}"}
    file.write_bytes(bytes(999))
    with pytest.raises(HearthError, match=r"model\.safetensors is not as it was when it was verified"):
        module(models)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: (path / "config.json").unlink(), "has no config.json"),
        (lambda path: (path / "model.safetensors").unlink(), "has no weights"),
        (
            lambda path: (path / "openvino_model.xml").write_text("<net/>"),
            "made for OpenVINO already: take compression away",
        ),
        (lambda path: (path / "refused").touch(), "its last lines: ValueError: Unrecognized model in it"),
    ],
)
def test_what_cannot_be_compressed_is_said_and_leaves_nothing(models: Path, spoil: Any, sentence: str) -> None:
    spoil(models / "chat")
    with pytest.raises(HearthError, match=f"(?i){sentence}"):
        module(models)
    made = models / ".compressed"
    assert not made.exists() or [path.name for path in made.iterdir()] == ["lock"]


def test_a_run_that_is_killed_takes_its_program_along_and_the_next_one_heals(models: Path) -> None:
    (models / "chat/waiting").touch()
    script = (
        "import sys\nfrom unit.plugins.modules.test_compressed_model import module\nfrom pathlib import Path\n"
        "module(Path(sys.argv[1]))\n"
    )
    search = os.pathsep.join([str(PROJECT / "tests"), str(PROJECT / ".collections")])
    killed = subprocess.Popen([sys.executable, "-c", script, str(models)], env={**os.environ, "PYTHONPATH": search})
    progress = models / ".compressed/progress.json"
    wait_for(lambda: progress.exists() and json.loads(progress.read_text())["percent"] == 60)
    (half,) = (models / ".compressed").glob(".new-*")
    wait_for(lambda: (half / "openvino_model.xml").exists())
    assert json.loads(progress.read_text()) == {"name": "chat", "what": "applying weight compression", "percent": 60}
    with pytest.raises(HearthError, match="Another run compresses models"):
        module(models)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (models / "chat/waiting").unlink()
    healed = module(models)
    assert healed["made"] == ["chat"]
    assert not half.exists()
    assert manifest(healed)["bytes_after"] > 0


def test_what_is_not_whole_any_more_is_made_again(models: Path) -> None:
    path = Path(module(models)["models"]["chat"]["path"])
    (path / "openvino_model.bin").unlink()
    assert module(models)["made"] == ["chat"]
    assert (path / "openvino_model.bin").exists()


def wait_for(is_so: Any) -> None:
    ended = threading.Event()
    for _try in range(1500):
        if is_so():
            return
        ended.wait(0.01)
    raise AssertionError("it did not come to that")
