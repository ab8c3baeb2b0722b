# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_bootstrap as module
from unit.plugins.anythingllm_bench import CLOSED, PASSWORD, Bench

ADMIN = {"name": "admin", "password": "admin-password"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Just started: nobody has a key."""
    with Bench(tmp_path, users=False) as running:
        running.frontend.store.run("DELETE FROM api_keys")
        running.key = ""
        yield running


def test_the_key_is_made_before_there_are_users_so_that_nobodys_recovery_codes_burn(bench: Bench) -> None:
    first = bench.run(module, password=PASSWORD, multi_user=True, admin=ADMIN)
    bench.frontend.control.reset()
    second = bench.run(module, api_key=first["api_key"], password=PASSWORD, multi_user=True, admin=ADMIN)

    assert (first["changed"], first["key_made"], first["mode"]) == (True, True, "multi_user")
    assert bench.frontend.store.one("SELECT seen_recovery_codes FROM users")["seen_recovery_codes"] == 0
    assert (second["changed"], second["key_valid"], "api_key" in second) == (False, True, False)
    counts = bench.frontend.control.counts()
    assert (counts["logins"], counts["writes"], counts["requests"]) == (0, 0, 5)


def test_a_key_is_found_again_by_its_name(bench: Bench) -> None:
    first = bench.run(module, password=PASSWORD)
    again = bench.run(module, password=PASSWORD)
    other = bench.run(module, password=PASSWORD, key_name="other")

    assert (again["api_key"], again["changed"]) == (first["api_key"], False)
    assert other["api_key"] != first["api_key"]
    assert bench.frontend.store.count("api_keys") == 2


def test_a_key_that_was_written_into_the_database_is_as_good(bench: Bench) -> None:
    """Where nobody knows the password."""
    bench.frontend.store.insert("api_keys", name="rescue", secret="any-unique-text")
    assert bench.run(module, api_key="any-unique-text")["key_valid"]


def test_check_mode_makes_no_key_and_no_users(bench: Bench) -> None:
    result = bench.run(module, check_mode=True, password=PASSWORD, multi_user=True, admin=ADMIN)

    assert ("api_key" in result, result["key_made"], result["changed"], bench.writes) == (False, True, True, 0)
    assert result["diff"]["after"] == {"api_key": "ansible", "mode": "multi_user"}


def test_in_check_mode_nobody_logs_in_who_has_recovery_codes_to_lose(bench: Bench) -> None:
    bench.run(module, password=PASSWORD, multi_user=True, admin=ADMIN)
    bench.frontend.control.reset()
    result = bench.run(module, check_mode=True, admin=ADMIN)

    assert (result["changed"], bench.frontend.control.logins) == (True, 0)


def test_codes_that_a_login_makes_the_server_show_are_returned(bench: Bench) -> None:
    bench.run(module, password=PASSWORD, multi_user=True, admin=ADMIN)
    first, second = bench.run(module, admin=ADMIN), bench.run(module, admin=ADMIN)

    assert (len(first["recovery_codes"]), second["recovery_codes"]) == (4, [])


@pytest.mark.parametrize("environment", [{}, {"AUTH_TOKEN": PASSWORD}, {"JWT_SECRET": "signs-the-sessions"}])
def test_a_server_that_lets_everybody_in_is_refused_also_when_it_looks_closed(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """AUTH_TOKEN without JWT_SECRET says RequiresAuth, and tells everybody all keys."""
    with Bench(tmp_path, environment=environment, users=False) as bench:
        with pytest.raises(InputError, match="lets everybody in and tells everybody its keys"):
            bench.run(module, password=PASSWORD)
        assert bench.writes == 0
        assert bench.run(module, api_key="", allow_open=True)["api_key"] == bench.key


def test_onboarding_is_closed_once(tmp_path: Path) -> None:
    with Bench(tmp_path, environment={}, users=False) as bench:
        first, second = (bench.run(module, allow_open=True) for _time in range(2))

    assert (first["diff"]["after"], second["changed"]) == ({"onboarding": "complete"}, False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": "wrong"}, "The server refuses the password"),
        ({}, "Making an API key needs the server's password"),
        ({"password": PASSWORD, "multi_user": True}, "Give admin with name and password"),
        ({"multi_user": True, "admin": {"name": "Admin", "password": "long-enough"}}, "The user name Admin is refused"),
        ({"multi_user": True, "admin": {"name": "admin", "password": "short"}}, "has 5 characters"),
    ],
)
def test_what_cannot_go_well_is_said(bench: Bench, given: dict[str, Any], words: str) -> None:
    with pytest.raises(HearthError) as refused:
        bench.run(module, **given)
    assert words in str(refused.value)
    assert bench.writes == 0


def test_a_wrong_password_in_multi_user_mode_is_an_error_although_the_answer_is_200(bench: Bench) -> None:
    bench.run(module, password=PASSWORD, multi_user=True, admin=ADMIN)
    with pytest.raises(HearthError, match="refuses the login of admin"):
        bench.run(module, admin={"name": "admin", "password": "another-password"})


def test_a_server_that_lost_what_it_signs_sessions_with_says_so(tmp_path: Path) -> None:
    """Multi-user mode is in the database, JWT_SECRET was in an .env file that nobody mounted."""
    with (
        Bench(tmp_path, environment={}) as bench,
        pytest.raises(HearthError, match="Does the container have JWT_SECRET"),
    ):
        bench.run(module, api_key="", admin={"name": "root", "password": "root-password"})


def test_a_server_that_is_too_old_is_refused(bench: Bench) -> None:
    bench.frontend.control.faults = {"version": "1.12.0"}
    with pytest.raises(ProtocolError, match=r"AnythingLLM is 1\.12\.0, and 1\.12\.1 is the oldest"):
        bench.run(module, password=PASSWORD)
    bench.frontend.control.faults = {"version": None}
    assert bench.run(module, password=PASSWORD)["version"] == ""


def test_it_waits_until_the_server_is_up_and_says_what_it_met_when_it_never_is(bench: Bench) -> None:
    starting = {"match": "GET /api/utils/metrics", "status": 502, "times": 1}
    bench.frontend.control.faults = {"answers": [starting]}
    assert bench.run(module, password=PASSWORD)["key_made"]

    with pytest.raises(HearthError, match=r"did not come up in 0 s\..*cannot connect"):
        bench.run(module, api_url="http://127.0.0.1:1", wait_timeout=0.2)


def test_enabling_users_that_did_not_take_is_an_error(bench: Bench) -> None:
    lie = {"match": "POST /api/system/enable-multi-user", "status": 200, "body": {"success": True, "error": None}}
    bench.frontend.control.faults = {"answers": [lie]}
    with pytest.raises(ProtocolError, match="is in mode password"):
        bench.run(module, password=PASSWORD, multi_user=True, admin=ADMIN)


def test_the_password_of_the_server_is_its_environment_and_no_endpoint(bench: Bench) -> None:
    """update-password always reports success: no module calls it."""
    bench.run(module, password=PASSWORD)
    assert not [path for path in bench.frontend.control.paths if "update-password" in path]
    assert CLOSED["AUTH_TOKEN"] == bench.frontend.environment_now["AUTH_TOKEN"]
