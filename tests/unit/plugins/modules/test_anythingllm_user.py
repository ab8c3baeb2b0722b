# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_user as module
from unit.plugins.anythingllm_bench import Bench

ALICE = {"name": "alice", "password": "alice-password", "role": "manager", "daily_message_limit": 20, "suspended": True}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as running:
        yield running


def row(bench: Bench, name: str) -> dict[str, Any]:
    found: dict[str, Any] = bench.frontend.store.one("SELECT * FROM users WHERE username = ?", name)
    return found


def test_a_user_is_made_as_described_and_made_once(bench: Bench) -> None:
    first = bench.run(module, users=[ALICE])
    written = bench.writes
    second = bench.run(module, users=[ALICE])

    made = row(bench, "alice")
    assert (made["role"], made["dailyMessageLimit"], made["suspended"]) == ("manager", 20, 1)
    assert (first["created"], second["changed"], bench.writes - written) == (["alice"], False, 0)
    assert "alice-password" not in str(first)


def test_what_is_not_named_is_left_alone_and_0_takes_the_limit_away(bench: Bench) -> None:
    bench.run(module, users=[ALICE])
    result = bench.run(module, users=[{"name": "alice", "daily_message_limit": 0}])

    made = row(bench, "alice")
    assert (made["role"], made["dailyMessageLimit"], made["suspended"]) == ("manager", None, 1)
    assert result["diff"]["after"]["alice"]["daily_message_limit"] == 0


def test_a_password_is_sent_again_only_when_that_is_asked_for(bench: Bench) -> None:
    bench.run(module, users=[ALICE])
    before, new = row(bench, "alice")["password"], {"name": "alice", "password": "another-password"}

    assert not bench.run(module, users=[new])["changed"]
    assert row(bench, "alice")["password"] == before
    assert bench.run(module, users=[new], update_password="always")["updated"] == ["alice"]
    assert row(bench, "alice")["password"] != before


def test_exclusive_removes_who_is_not_described(bench: Bench) -> None:
    bench.run(module, users=[ALICE])
    result = bench.run(module, users=[{"name": "root"}], exclusive=True)

    assert result["deleted"] == ["alice"]
    assert row(bench, "alice") is None


def test_exclusive_does_not_take_an_emptied_list_at_its_word(bench: Bench) -> None:
    bench.run(module, users=[ALICE, {**ALICE, "name": "bob"}, {**ALICE, "name": "carol"}])
    for check_mode in (True, False):
        with pytest.raises(InputError, match="This would remove 3 of 4 users: alice, bob, carol"):
            bench.run(module, users=[{"name": "root"}], exclusive=True, check_mode=check_mode)
    assert len(bench.run(module, users=[{"name": "root"}], exclusive=True, removal_percent_max=100)["deleted"]) == 3


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ([{"name": "Alice", "password": "long-enough"}], "The user name Alice is refused"),
        ([{"name": "a", "password": "long-enough"}], "The user name a is refused"),
        ([{"name": "1st", "password": "long-enough"}], "The user name 1st is refused"),
        ([{"name": "alice", "password": "short"}], "The password of alice has 5 characters. Give 8 to 250"),
        ([{"name": "alice"}], "cannot be made without a password"),
        ([{"name": "root"}, {"name": "root"}], "root is there twice"),
        ([{"name": "root", "daily_message_limit": -1}], "Give 0 for no limit"),
        ([{"name": "root", "role": "user"}], "No administrator would be left: root"),
        ([{"name": "root", "suspended": True}], "No administrator would be left: root"),
        ([{"name": "root", "state": "absent"}], "No administrator would be left: root"),
    ],
)
def test_what_must_not_be_is_refused_before_anything_is_written_in_check_mode_too(
    bench: Bench, users: list[dict[str, Any]], words: str
) -> None:
    for check_mode in (True, False):
        with pytest.raises(InputError) as refused:
            bench.run(module, check_mode=check_mode, users=[{"name": "zoe", "password": "zoes-password"}, *users])
        assert words in str(refused.value)
        assert "short" not in str(refused.value)

    assert bench.writes == 0


def test_another_administrator_lets_the_first_go(bench: Bench) -> None:
    users = [{"name": "root", "state": "absent"}, {"name": "boss", "password": "boss-password", "role": "admin"}]
    assert bench.run(module, users=users)["deleted"] == ["root"]


def test_a_refusal_that_comes_with_200_is_an_error(bench: Bench) -> None:
    bench.run(module, users=[ALICE])
    refusal = {"success": False, "error": "No valid updates applied."}
    bench.frontend.control.faults = {
        "answers": [{"match": "POST /api/v1/admin/users/*", "status": 200, "body": refusal}]
    }
    with pytest.raises(ProtocolError, match=r"alice: the server refuses the change \(No valid updates applied"):
        bench.run(module, users=[{"name": "alice", "suspended": False}])


def test_users_need_multi_user_mode_and_the_message_says_so(tmp_path: Path) -> None:
    with (
        Bench(tmp_path, users=False) as bench,
        pytest.raises(HearthError, match="are there in multi-user mode only"),
    ):
        bench.run(module, users=[{"name": "root"}])
