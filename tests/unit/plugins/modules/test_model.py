# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth.llm.model: what it decides, without Ansible around it. What it promises in playbooks is in tests/integration."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.modules import model
from ansible_collections.hearth.llm.tools.hello_model import seer
from fakes.hub import Hub

SHA = "a" * 64
PROJECT = Path(__file__).parents[4]


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
        ([{"name": "../x", "source": "hf://o/r"}], {}, "is no name of a model"),
        ([{"name": ".fetch", "source": "hf://o/r"}], {}, "is no name of a model"),
        ([{"name": "x", "source": "hf://o/r"}, {"name": "x", "source": "hf://o/s"}], {}, "another model's, too"),
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


def test_a_name_that_is_a_path_has_one_directory_all_the_same(tmp_path: Path, hub: Hub) -> None:
    models = tmp_path / "models"
    result = run(models, {"name": "o/x:mini", "source": "hf://o/r/model.gguf"}, endpoint=hub.url)
    (directory,) = [path for path in models.iterdir() if not path.name.startswith(".")]
    assert result.models["o/x:mini"]["path"] == str(directory / "model.gguf")
    assert directory.name.startswith("o-x-mini-")
    assert not run(models, {"name": "o/x:mini", "source": "hf://o/r/model.gguf"}, endpoint=hub.url).changed
    assert run(models, {"name": "o/x:mini", "state": "absent"}, endpoint=hub.url).removed == [
        f"{directory.name}/model.gguf"
    ]


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


@pytest.mark.parametrize("check_mode", [False, True], ids=["for real", "dry"])
@pytest.mark.parametrize(
    ("wanted", "refused"),
    [
        ([], "all models"),
        (["a"], "2 of 3 models"),
        (["other"], "all models"),
        (["other", "another"], "all models"),
        (["a", "b"], ""),
    ],
)
def test_pruning_takes_no_more_away_than_may_go_and_asks_nobody_before(
    tmp_path: Path, hub: Hub, wanted: list[str], refused: str, check_mode: bool
) -> None:
    entries = {name: {"name": name, "source": "hf://o/r/model.gguf"} for name in ("a", "b", "c", "other", "another")}
    run(tmp_path / "models", *(entries[name] for name in "abc"), endpoint=hub.url)
    hub.forget()
    asked = [entries[name] for name in wanted]
    if refused:
        with pytest.raises(InputError, match=f"would remove {refused} of .*hearth_accept_removals") as refusal:
            run(tmp_path / "models", *asked, endpoint=hub.url, prune=True, check_mode=check_mode)
        assert "Nothing was changed" in refusal.value.message
        assert not hub.seen
        assert len(list(tmp_path.glob("models/*/model.gguf"))) == 3
    result = run(
        tmp_path / "models", *asked, endpoint=hub.url, prune=True, check_mode=check_mode, removal_percent_max=100
    )
    assert result.removed == [f"{name}/model.gguf" for name in "abc" if name not in wanted]


def test_what_is_told_to_go_goes_without_being_counted(tmp_path: Path, hub: Hub) -> None:
    run(tmp_path / "models", {"name": "a", "source": "hf://o/r/model.gguf"}, endpoint=hub.url)
    gone = run(tmp_path / "models", {"name": "a", "state": "absent"}, endpoint=hub.url, prune=True)
    assert gone.removed == ["a/model.gguf"]


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


def test_a_model_and_its_projector_are_told_apart_by_what_they_say_of_themselves(tmp_path: Path, hub: Hub) -> None:
    # The names tell the wrong way round.
    files: dict[str, bytes | str | Path] = {
        "mmproj-chat-Q4_K_M.gguf": seer.seeing_model(),
        "chat-Q4_K_M-eyes.gguf": seer.projector(),
        "README.md": "x",
    }
    hub.publish("o/eyes", {**files, "chat-Q8_0.gguf": seer.seeing_model("other"), "eyes-F32.gguf": seer.projector()})
    directory = tmp_path / "models"

    def path_and_projector(*patterns: str, check_mode: bool = False) -> tuple[str, str]:
        wish = {"name": "x", "source": "hf://o/eyes", "files": list(patterns)}
        told = run(directory, wish, endpoint=hub.url, check_mode=check_mode, prune=True).models["x"]
        return Path(told["path"]).name, Path(told["projector"]).name

    assert path_and_projector("*Q4_K_M*", "README.md") == ("mmproj-chat-Q4_K_M.gguf", "chat-Q4_K_M-eyes.gguf")
    assert path_and_projector("*-Q8_0*") == ("chat-Q8_0.gguf", "")
    # Two quantizations, or two projectors: whoever starts an engine has to say which.
    assert path_and_projector("*.gguf") == ("x", "")
    assert path_and_projector("*Q8_0*", "*eyes*") == ("x", "")


def test_before_anything_is_there_a_projector_is_known_by_its_name(tmp_path: Path, hub: Hub) -> None:
    hub.publish("o/eyes", {"chat-Q4_K_M.gguf": seer.seeing_model(), "mmproj-F16.gguf": seer.projector()})
    told = run(tmp_path, {"name": "x", "source": "hf://o/eyes"}, endpoint=hub.url, check_mode=True).models["x"]
    assert (Path(told["path"]).name, Path(told["projector"]).name) == ("chat-Q4_K_M.gguf", "mmproj-F16.gguf")


def test_a_directory_of_the_host_is_a_source_and_stays_when_it_is_gone(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "chat.gguf").write_bytes(seer.seeing_model())
    (own / "eyes.gguf").write_bytes(seer.projector())
    (own / "notes.txt").write_text("x")
    wish = {"name": "x", "source": f"file://{own}", "files": ["*.gguf"]}
    told = run(tmp_path / "models", wish).models["x"]
    assert (Path(told["path"]).name, Path(told["projector"]).name) == ("chat.gguf", "eyes.gguf")
    assert not (tmp_path / "models/x/notes.txt").exists()
    shutil.rmtree(own)
    again = run(tmp_path / "models", wish)
    assert (again.changed, again.models["x"]["path"]) == (False, told["path"])
    with pytest.raises(InputError, match=r"no file in that directory is meant. Check the path, and files"):
        run(tmp_path / "models", {"name": "y", "source": f"file://{tmp_path}/models", "files": ["*.gguf"]})


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


def test_a_mirror_that_tells_no_sizes_and_hashes_will_do_where_somebody_gives_the_hash(
    tmp_path: Path, hub: Hub
) -> None:
    content = b"GGUF" + bytes(1000)
    hub.be_terse("o/r")
    wanted = {"name": "x", "source": "hf://o/r/model.gguf"}
    with pytest.raises(HearthError, match=r"tells no hash of model\.gguf.*Give the model's sha256"):
        run(tmp_path / "models", wanted, endpoint=hub.url)
    vouched = {**wanted, "sha256": hashlib.sha256(content).hexdigest()}
    result = run(tmp_path / "models", vouched, endpoint=hub.url)
    assert (tmp_path / "models/x/model.gguf").read_bytes() == content
    assert run(tmp_path / "models", vouched, endpoint=hub.url).changed is False
    assert run(tmp_path / "again", wanted, endpoint=hub.url, lock=result.lock).models["x"]["bytes"] == len(content)
    with pytest.raises(HearthError, match="expected sha256 aaaa"):
        run(tmp_path / "wrong", {**wanted, "sha256": SHA}, endpoint=hub.url)


def test_for_several_files_of_such_a_mirror_the_lock_entry_that_it_names_will_do(tmp_path: Path, hub: Hub) -> None:
    commit = hub.publish("o/r", {"a.json": "{}", "b.safetensors": b"weights"})
    hub.be_terse("o/r")
    wanted = {"name": "x", "source": "hf://o/r"}
    with pytest.raises(HearthError) as refused:
        run(tmp_path / "models", {**wanted, "sha256": SHA}, endpoint=hub.url)
    entry = yaml.safe_load(
        "{" + refused.value.message.partition("into the lock file, ")[2].partition("; or name")[0] + "}"
    )
    assert entry["hf://o/r"]["revision"] == commit
    for file, content in zip(entry["hf://o/r"]["files"], (b"{}", b"weights"), strict=True):
        assert file["bytes"] == len(content)
        file["sha256"] = hashlib.sha256(content).hexdigest()
    run(tmp_path / "models", wanted, endpoint=hub.url, lock=entry)
    assert (tmp_path / "models/x/b.safetensors").read_bytes() == b"weights"


def test_a_mirror_that_passes_the_hubs_headers_on_is_as_good_as_the_hub(tmp_path: Path, hub: Hub) -> None:
    hub.be_terse("o/r", tell_etags=True)
    result = run(tmp_path / "models", {"name": "x", "source": "hf://o/r"}, endpoint=hub.url, check_mode=True)
    assert {file["path"]: file["bytes"] for file in result.models["x"]["files"]} == {
        "config.json": 2,
        "model.gguf": 1004,
    }
    hub.fault("cdn:*model.gguf", "corrupt", at=500)
    with pytest.raises(HearthError, match="wrong bytes came"):
        run(tmp_path / "models", {"name": "x", "source": "hf://o/r"}, endpoint=hub.url)


def test_of_a_whole_repository_the_same_weights_are_fetched_once_and_the_others_named(tmp_path: Path, hub: Hub) -> None:
    weights = {
        "model.safetensors": b"1" * 100,
        "pytorch_model.bin": b"2" * 100,
        "original/consolidated.00.pth": b"3" * 300,
    }
    hub.publish("o/w", {"config.json": "{}", **weights})
    result = run(tmp_path / "models", {"name": "x", "source": "hf://o/w"}, endpoint=hub.url)
    assert result.planned_bytes == 102
    assert result.models["x"]["left_out"] == ["original/consolidated.00.pth", "pytorch_model.bin"]
    assert not hub.requests("*:o/w/pytorch_model.bin")
    second = run(tmp_path / "models", {"name": "x", "source": "hf://o/w"}, endpoint=hub.url, prune=True)
    assert second.changed is False
    named = run(tmp_path / "all", {"name": "x", "source": "hf://o/w", "files": ["*"]}, endpoint=hub.url)
    assert (named.planned_bytes, named.models["x"]["left_out"]) == (502, [])


def test_a_lock_file_that_lists_copies_makes_nobody_fetch_them(tmp_path: Path, hub: Hub) -> None:
    commit = hub.publish("o/w", {"model.safetensors": b"1", "model.bin": b"2"})
    files = [
        {"path": path, "bytes": 1, "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in (("model.safetensors", b"1"), ("model.bin", b"2"))
    ]
    lock = {"hf://o/w": {"revision": commit, "files": files}}
    result = run(tmp_path / "models", {"name": "x", "source": "hf://o/w"}, endpoint=hub.url, lock=lock)
    assert [file["path"] for file in result.models["x"]["files"]] == ["model.safetensors"]
    assert result.models["x"]["left_out"] == ["model.bin"]


def test_pieces_that_a_glob_means_are_refused_before_a_byte_is_fetched(tmp_path: Path, hub: Hub) -> None:
    hub.publish("o/p", {"x.gguf.part1of2": b"GGUF1", "x.gguf.part2of2": b"2"})
    for source in ("hf://o/p/x.gguf.part*", "hf://o/p"):
        with pytest.raises(InputError, match=r"x\.gguf\.part1of2 is a piece of a file that was cut by bytes"):
            run(tmp_path / "models", {"name": "x", "source": source}, endpoint=hub.url)
    assert hub.sent("cdn:*") == 0


def test_an_address_from_a_browser_is_fetched_with_the_hubs_token_hash_and_lock(tmp_path: Path, hub: Hub) -> None:
    commit = hub.catalogue.repositories["o/r"].branches["main"]
    hub.gate("o/r", {"right"})
    for pasted in (
        f"{hub.url}/o/r/blob/main/model.gguf",
        "https://huggingface.co/o/r/resolve/main/model.gguf?download=true",
    ):
        directory = tmp_path / pasted[-4:]
        result = run(directory, {"name": "x", "source": pasted}, endpoint=hub.url, token="right")
        assert result.models["x"]["source"] == "hf://o/r/model.gguf"
        assert result.lock["hf://o/r/model.gguf"]["revision"] == commit
    with pytest.raises(HearthError, match="gated or private, and no token was sent"):
        run(tmp_path / "none", {"name": "x", "source": f"{hub.url}/o/r/blob/main/model.gguf"}, endpoint=hub.url)


def test_each_model_of_the_shop_is_pinned_by_its_revision_or_by_the_lock_of_the_first_run(
    tmp_path: Path, hub: Hub
) -> None:
    described = yaml.safe_load((PROJECT / "inventories/sandwich_shop/group_vars/all/models.yml").read_text())
    models = {**described["shop_models"], **described["shop_evaluated_models"]}
    entries = []
    for name, shown in models.items():
        source = parse(shown["source"])
        entries.append({"name": name, "source": shown["source"]})
        commit = hub.publish(source.repository, {source.pattern: b"GGUF" + name.encode()})
        if source.is_commit:
            known = hub.catalogue.repositories[source.repository]
            known.commits[source.revision] = known.commits[commit]
    result = run(tmp_path / "models", *entries, endpoint=hub.url, check_mode=True)
    assert len(result.lock) == 6
    for text, entry in result.lock.items():
        assert re.fullmatch("[0-9a-f]{40}", entry["revision"])
        assert parse(text).revision in ("main", entry["revision"])
    assert [name for name in models if parse(models[name]["source"]).is_commit] == ["mistral"]
    # The maker of the manifest has told the hashes of its five.
    assert [name for name in models if "sha256" not in models[name]] == ["embedder"]
