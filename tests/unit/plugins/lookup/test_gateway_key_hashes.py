# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])

DAY = 86400


def look_up(directory: Path, *keys: dict[str, Any], check_mode: bool = False) -> list[dict[str, Any]]:
    plugin = lookup_loader.get("hearth.llm.gateway_key_hashes", loader=DataLoader())
    result: list[dict[str, Any]] = plugin.run(
        list(keys), {"ansible_check_mode": check_mode}, directory=str(directory / "secrets")
    )
    return result


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
