# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, init_plugin_loader, lookup_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])

DAY = 86400


def look_up(directory: Path, *keys: dict[str, Any], check_mode: bool = False) -> list[dict[str, Any]]:
    """What the gateway is told, once the keys have been made."""
    if not check_mode:
        have(directory, "prepared", *keys)
    result = read(directory, *keys, check_mode=check_mode)
    if not check_mode:
        have(directory, "present", *keys)
        assert read(directory, *keys) == result
    return result


def read(directory: Path, *keys: dict[str, Any], check_mode: bool = False) -> list[dict[str, Any]]:
    plugin = lookup_loader.get("hearth.llm.gateway_key_hashes", loader=DataLoader())
    result: list[dict[str, Any]] = plugin.run(
        list(keys), {"ansible_check_mode": check_mode}, directory=str(directory / "secrets")
    )
    return result


def have(directory: Path, state: str, *keys: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Runs the task."""
    made = [
        {option: key[option] for option in ("name", "rotation", "overlap_days") if option in key}
        for key in keys
        if "key" not in key and "sha256" not in key
    ]
    task = Task()
    task.args = {"keys": made, "directory": str(directory / "secrets"), "state": state}
    task.check_mode = check_mode
    loader = DataLoader()
    action = action_loader.get(
        "hearth.llm.gateway_keys",
        task=task,
        connection=MagicMock(),
        play_context=None,
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    result: dict[str, Any] = action.run(task_vars={})
    return result


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def sha256_of_file(directory: Path) -> str:
    return hashlib.sha256((directory / "secrets" / "api_keys" / "office").read_text().strip().encode()).hexdigest()


def test_a_key_is_made_once_and_known_by_its_hash(tmp_path: Path) -> None:
    (known,) = look_up(tmp_path, {"name": "office"})
    assert known == {"name": "office", "sha256": sha256_of_file(tmp_path), "ends": None}
    assert look_up(tmp_path, {"name": "office"}) == [known]


@pytest.mark.parametrize("first", [{}, {"rotation": "2026-10"}])
def test_another_rotation_makes_a_new_text_and_the_old_one_ends(tmp_path: Path, first: dict[str, str]) -> None:
    (old,) = look_up(tmp_path, {"name": "office", **first})
    assert look_up(tmp_path, {"name": "office", **first}) == [old]
    rotated = {"name": "office", "rotation": "2026-11", "overlap_days": 2}
    new, ending = look_up(tmp_path, rotated)
    assert new == {"name": "office", "sha256": sha256_of_file(tmp_path), "ends": None}
    assert ending["sha256"] == old["sha256"] != new["sha256"]
    assert ending["ends"] == pytest.approx(time.time() + 2 * DAY, abs=60)
    assert look_up(tmp_path, rotated) == [new, ending], "the same description has rotated twice"
    assert look_up(tmp_path, {"name": "office", "overlap_days": 2}) == [new, ending]


def test_an_overlap_can_be_cut_short(tmp_path: Path) -> None:
    look_up(tmp_path, {"name": "office"})
    look_up(tmp_path, {"name": "office", "rotation": "2026-11"})
    _new, ended = look_up(tmp_path, {"name": "office", "rotation": "2026-11", "overlap_days": 0})
    assert ended["ends"] <= time.time()


def test_a_dry_run_rotates_nothing(tmp_path: Path) -> None:
    assert len(look_up(tmp_path, {"name": "office", "rotation": "2026-11"}, check_mode=True)) == 1
    assert not (tmp_path / "secrets").exists()
    (old,) = look_up(tmp_path, {"name": "office"})
    new, ending = look_up(tmp_path, {"name": "office", "rotation": "2026-11"}, check_mode=True)
    assert (new["sha256"], ending["sha256"]) == ("0" * 64, old["sha256"])
    assert look_up(tmp_path, {"name": "office"}) == [old]


def test_a_rotation_that_was_killed_halfway_is_completed(tmp_path: Path) -> None:
    (old,) = look_up(tmp_path, {"name": "office"})
    text = tmp_path / "secrets" / "api_keys" / "office"
    before = text.read_text()
    look_up(tmp_path, {"name": "office", "rotation": "2026-11"})
    text.write_text(before)
    new, ending = look_up(tmp_path, {"name": "office", "rotation": "2026-11"})
    assert new["sha256"] != old["sha256"] == ending["sha256"]


PREPARED = "secrets/api_keys/.prepared"


@pytest.mark.parametrize("gone", [f"{PREPARED}/office", f"{PREPARED}/.rotated/office", "nothing"])
def test_a_run_that_was_killed_before_the_keys_were_in_their_places_is_completed(tmp_path: Path, gone: str) -> None:
    """The first half of making them, the first half of putting them there, and what lies between."""
    (old,) = look_up(tmp_path, {"name": "office"})
    rotated = {"name": "office", "rotation": "2026-11"}
    have(tmp_path, "prepared", rotated)
    if gone == f"{PREPARED}/office":
        (tmp_path / gone).unlink()
    elif gone != "nothing":
        record = tmp_path / "secrets/api_keys/.rotated/office"
        record.parent.mkdir()
        (tmp_path / gone).rename(record)
    new, ending = look_up(tmp_path, rotated)
    assert new["sha256"] == sha256_of_file(tmp_path)
    assert new["sha256"] != old["sha256"] == ending["sha256"]
    assert sorted(files(tmp_path / "secrets/api_keys")) == [".rotated/office", "office"]
    assert look_up(tmp_path, rotated) == [new, ending]


@pytest.mark.parametrize("then", [{"rotation": "2026-11"}, {"rotation": "2026-12"}, {"rotation": "2026-10"}, {}])
def test_what_a_killed_run_has_told_a_gateway_stays_known(tmp_path: Path, then: dict[str, str]) -> None:
    (old,) = look_up(tmp_path, {"name": "office", "rotation": "2026-10"})
    have(tmp_path, "prepared", {"name": "office", "rotation": "2026-11"})
    told, _ending = read(tmp_path, {"name": "office", "rotation": "2026-11"})
    known = {entry["sha256"] for entry in look_up(tmp_path, {"name": "office", **then})}
    assert {told["sha256"], old["sha256"]} <= known


def test_what_was_made_can_be_taken_back(tmp_path: Path) -> None:
    look_up(tmp_path, {"name": "office", "rotation": "2026-10"})
    before = files(tmp_path)
    keys = [{"name": "office", "rotation": "2026-11"}, {"name": "new"}]
    told = have(tmp_path, "prepared", *keys)
    assert (told["changed"], told["made"], told["rotated"]) == (True, ["new"], ["office"])
    assert {path: content for path, content in files(tmp_path).items() if PREPARED not in path} == before
    assert have(tmp_path, "prepared", *keys)["changed"] is False
    assert have(tmp_path, "withdrawn", *keys)["changed"] is True
    assert files(tmp_path) == before
    assert have(tmp_path, "withdrawn", *keys)["changed"] is False
    assert not (tmp_path / PREPARED).exists()


def test_a_diff_tells_names_rotations_and_days_and_no_text(tmp_path: Path) -> None:
    look_up(tmp_path, {"name": "office"})
    rotated = {"name": "office", "rotation": "2026-11", "overlap_days": 0}
    dry = have(tmp_path, "prepared", rotated, {"name": "new"}, check_mode=True)
    told = have(tmp_path, "prepared", rotated, {"name": "new"})
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert dry == told
    assert told["diff"]["before"] == f"office: rotation none, valid since {today}\n"
    assert told["diff"]["after"].splitlines() == [
        f"office: rotation 2026-11, valid since {today}",
        f"office: the text before it ends on {today}",
        f"new: rotation none, valid since {today}",
    ]
    have(tmp_path, "present", rotated, {"name": "new"})
    assert "sk-hearth" not in json.dumps(told)
    assert sha256_of_file(tmp_path) not in json.dumps(told)


def test_a_lookup_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match="the API key office is not there yet"):
        read(tmp_path, {"name": "office"})
    assert not (tmp_path / "secrets").exists()
    look_up(tmp_path, {"name": "office"})
    before = files(tmp_path)
    with pytest.raises(AnsibleLookupError, match="not there yet"):
        read(tmp_path, {"name": "office", "rotation": "2026-11"})
    assert files(tmp_path) == before


def test_what_is_prepared_is_private_and_a_link_that_leads_nowhere_stays(tmp_path: Path) -> None:
    have(tmp_path, "prepared", {"name": "office", "rotation": "1"})
    for path in (tmp_path / "secrets").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.parent.name == ".rotated", path
    (tmp_path / "secrets/api_keys/lost").symlink_to("elsewhere")
    with pytest.raises(AnsibleActionFail, match="is a link to elsewhere"):
        have(tmp_path, "prepared", {"name": "lost"})


def test_forks_that_rotate_at_once_agree(tmp_path: Path) -> None:
    look_up(tmp_path, {"name": "office"})
    with ProcessPoolExecutor(8) as forks:
        answers = [forks.submit(look_up, tmp_path, {"name": "office", "rotation": "2026-11"}) for _ in range(32)]
        hashes = {tuple(known["sha256"] for known in answer.result()) for answer in answers}
    assert len(hashes) == 1
    assert len(next(iter(hashes))) == 2


@pytest.mark.parametrize(
    "expires", ["2027-01-31", date(2027, 1, 31), "2027-02-01T00:00:00+00:00", "2027-02-01T00:00:00"]
)
def test_a_key_ends_with_its_last_day(tmp_path: Path, expires: object) -> None:
    (known,) = look_up(tmp_path, {"name": "office", "key": "k" * 20, "expires": expires})
    assert known["ends"] == 1801440000


def test_what_was_valid_before_can_be_described(tmp_path: Path) -> None:
    key = {"name": "bot", "sha256": "0A" * 32, "expires": "2027-01-31"}
    early, late = {"sha256": "0b" * 32, "until": "2027-01-30"}, {"sha256": "0c" * 32, "until": "2027-03-01"}
    known = look_up(tmp_path, {**key, "previous": [early, late]})
    assert [entry["sha256"] for entry in known] == ["0a" * 32, "0b" * 32, "0c" * 32]
    assert [entry["ends"] for entry in known] == [1801440000, 1801440000 - DAY, 1801440000]
    assert not (tmp_path / "secrets").exists()
