# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that come on their first request: a real engine, a real HAProxy, and a hub that does what a test says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.hub import Hub
from integration.conftest import Runner
from integration.first_request import MIB, MODEL_BYTES, Host
from integration.model_play import proven_bytes, until
from lab import packages

# Whom a change of models concerns.
FETCH = ("models", "llama_cpp", "fetcher")
FIRST: dict[str, Any] = {"load": "first_request"}
# As users know models.
GAMMA = "org/gamma:mini"
HASTY = {**FIRST, "answer_deadline_seconds": 4}
MODELS: dict[str, dict[str, Any]] = {
    "here": {},
    "alpha": FIRST,
    "beta": FIRST,
    GAMMA: FIRST,
    "delta": HASTY,
    "epsilon": FIRST,
}
# Room for three beside the one that is always there, and for what is written beside them.
BUDGET = f"{(4 * MODEL_BYTES + MIB) // 1000 + 1}K"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[Host]:
    packages.provide("haproxy", "libgomp.so.1")
    directory = tmp_path_factory.mktemp("first")
    with Hub(directory / "hub") as hub:
        described = Host(directory, module_playbook, hub)
        described.publish(*MODELS)
        described.describe(MODELS, *FETCH, "certificates", "gateway", hearth_disk_budget=BUDGET)
        yield described
        described.stop()


def test_a_model_is_fetched_once_by_those_who_ask_first_and_is_there_for_all_others(host: Host) -> None:
    assert host.is_there("here")
    assert not host.is_there("alpha")
    assert host.hub.sent("cdn:o/alpha/*") == 0
    at_once = host.ask("here").seconds
    for asking in [host.asking("alpha") for _number in range(2)]:
        assert asking.answer.said == "I am alpha."
        # The hub is as fast as this machine: what is left is to notice, to load, and to notice that.
        assert asking.answer.seconds < at_once + 15
    # One fetch, of which a range that was split on its way may have been sent a little twice.
    assert MODEL_BYTES <= host.hub.sent("cdn:o/alpha/*") < 2 * MODEL_BYTES
    host.hub.forget()
    assert host.ask("alpha").said == host.ask("alpha", headers={"Prefer": "wait=0"}).said == "I am alpha."
    assert host.hub.requests() == []
    assert host.describe(MODELS, *FETCH, hearth_disk_budget=BUDGET).changed == 0


def test_a_stream_is_kept_alive_while_its_model_comes_though_the_service_is_killed(host: Host) -> None:
    slow = host.hub.fault("cdn:o/beta/*", "slow", rate=MIB // 4)
    asking = host.asking("beta", stream=True)
    until(lambda: proven_bytes(host.directory / "h/models") > MIB, "something is proven")
    host.kill_fetcher()
    host.hub.faults.remove(slow)
    answer = asking.answer
    assert answer.status == 200
    assert answer.body.startswith(": waiting\n\n")
    pieces = [json.loads(line[6:]) for line in answer.body.splitlines() if line.startswith("data: {")]
    assert (
        "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece["choices"])
        == "I am beta."
    )
    # What was on its way, or not proven yet, comes once more.
    assert MODEL_BYTES <= host.hub.sent("cdn:o/beta/*") < MODEL_BYTES + MIB


def test_whoever_does_not_want_to_wait_is_told_how_far_it_is_and_others_wait_until_their_deadline(host: Host) -> None:
    slow = host.hub.fault("cdn:o/delta/*", "slow", rate=MIB // 8)
    for stream, wish in ((False, "wait=0"), (True, 'handling=lenient, wait="0"')):
        told = host.ask("delta", stream=stream, headers={"Prefer": wish})
        assert (told.status, told.error["code"], told.error["param"]) == (503, "model_not_here", "model")
        assert told.seconds < 2.5
        assert int(told.headers["Retry-After"]) > 0
    until(lambda: host.state("delta")["done_bytes"], "something is here")
    some = host.ask("delta", headers={"Prefer": "handling=lenient, wait=1"})
    assert re.search(r"is being fetched: [0-4] MB of 4 MB are here", some.error["message"])
    late = host.ask("delta", headers={"Prefer": "nowait=0, wait=99999999999999999999999"})
    assert (late.status, late.error["code"]) == (503, "model_not_here")
    assert 2.5 < late.seconds < 20
    host.hub.faults.remove(slow)
    assert until(lambda: host.ask("delta").status == 200, "it has come")


def test_the_least_recently_asked_gives_way_and_comes_again_when_it_is_asked(host: Host) -> None:
    assert all(host.is_there(name) for name in ("here", "alpha", "beta", "delta"))
    # It was fetched first; what counts is who was asked last.
    assert host.ask("alpha").said == "I am alpha."
    until(lambda: host.last_asked("alpha") > host.last_asked("delta"), "the gateway has told of it")
    assert host.ask(GAMMA).said == f"I am {GAMMA}."
    assert [name for name in MODELS if not host.is_there(name)] == ["beta", "epsilon"]
    assert host.ask("beta").said == "I am beta."
    assert [name for name in MODELS if not host.is_there(name)] == ["delta", "epsilon"]


def test_what_cannot_be_fetched_is_said_in_words_and_healed_by_a_later_request(host: Host) -> None:
    wrong = host.hub.fault("cdn:o/delta/*", "corrupt", at=MODEL_BYTES // 2)
    told = host.ask("delta")
    assert (told.status, told.error["code"]) == (503, "model_not_fetched")
    assert "other bytes came than those that were locked" in told.error["message"]
    assert str(host.directory) not in told.body, "nothing of the host is told"
    host.hub.faults.remove(wrong)
    assert until(lambda: host.ask("delta").status == 200, "it is tried again")


def test_what_is_taken_out_of_the_description_goes_and_whoever_waited_is_told(host: Host) -> None:
    host.hub.fault("cdn:o/epsilon/*", "slow", rate=MIB // 128)
    waits = host.asking("epsilon")
    until(lambda: host.state("epsilon")["done_bytes"], "something is here")
    host.describe({"here": {}}, *FETCH, "gateway")
    assert waits.answer.status in (404, 503)
    assert waits.answer.error["param"] == "model"
    assert host.ask("epsilon").error["code"] == "model_not_found"
    assert host.ask("here").said == "I am here."
    there = {path.name for path in (host.directory / "h/models").iterdir() if not path.name.startswith(".")}
    assert there == {"here"}
    assert not host.run_directory.exists()
