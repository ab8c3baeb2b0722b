# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A measurement is judged whole before anybody is asked, and its shipped profiles are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._load import profile as profiles
from ansible_collections.hearth.llm.plugins.plugin_utils._load_test.plan import load_test_plan

ROLE = Path(__file__).parents[5] / "roles/load_test"
SHIPPED: dict[str, Any] = yaml.safe_load((ROLE / "files/profiles.yml").read_text())["profiles"]
CSV = {"csv": "prompt,workspace\nWhy?,docs\nHow?,docs\n", "name": "mine.csv"}
RIGHT: dict[str, Any] = {
    "profile": "smoke",
    "profiles": SHIPPED,
    "models": ["chat"],
    "described": {"chat": {}, "coder": {}},
    "through": "gateway",
    "key": {"name": "measure"},
    "key_name": "",
    "keys": ["measure", "office"],
    "key_is_made": True,
    "secrets_directory": "/srv/secrets",
    "sla": {},
    "prompts": {},
    "assistants": {},
    "missing": [],
    "from": "",
    "hosts": ["llm", "client"],
}


def planned(**differs: Any) -> dict[str, Any]:
    return load_test_plan({**RIGHT, **differs})


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_profile_is_right_and_bounded(name: str) -> None:
    prompts = CSV if name == "shop_series_3" else {}
    found = planned(profile=name, prompts=prompts, assistants={"Docs": {"model": "chat", "slug": "docs"}})
    assert found["findings"] == []
    assert found["profile"]["requests"]
    assert found["profile"]["seconds"]
    assert found["lines"]


def test_the_smallest_one_takes_twenty_seconds_at_most() -> None:
    smoke = SHIPPED["smoke"]
    assert smoke["seconds"] + smoke["drain"] <= 20


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"models": ["chta"]}, "load_test_models: chta is not in hearth_models, which has chat, coder: write chat."),
        (
            {"models": ["coder"], "key": {"name": "measure", "models": ["chat"]}},
            "load_test_models: the key measure may not use coder, but chat: add it to that key's models in hearth_api_keys",
        ),
        ({"models": []}, "load_test_models is empty: name a model to ask"),
        ({"profile": "smoek"}, "load_test_profile is 'smoek', which no profile is called: write smoke"),
        (
            {"profile": "shop_series_3"},
            "The profile shop_series_3 asks questions of yours, and load_test_prompts_file is not set",
        ),
        (
            {"key": {}, "key_name": "offce"},
            "load_test_key_name is 'offce', and the gateway's keys are measure, office: write office",
        ),
        ({"key": {}, "key_name": "office"}, "No text of the key office is known on this controller"),
        ({"key": {}}, "No text of a key is known on this controller: describe - name: measure in hearth_api_keys"),
        (
            {"key_is_made": False},
            "The key measure was never made on this controller (/srv/secrets/api_keys/measure is not there)",
        ),
        ({"missing": ["/srv/old"]}, "load_test_baseline is /srv/old, where no measurement is"),
        ({"from": "cliient"}, "load_test_from is 'cliient', and no host of the inventory is called so: write client"),
        ({"sla": {"al": {"error_rate": 0}}}, "load_test_sla: al is not in hearth_models"),
        ({"sla": {"all": {"ttft": 1}}}, "load_test_sla.all.ttft is not known: write ttft_p95_ms"),
        (
            {"sla": {"all": {"error_rate": 1}}},
            "load_test_sla.all.error_rate is 1: write a share from 0 to less than 1.",
        ),
        (
            {"sla": {"chat": {"itl_p95_ms": 0}}},
            "load_test_sla.chat.itl_p95_ms is 0: write a number of milliseconds above 0.",
        ),
        ({"profiles": {"smoke": {**SHIPPED["smoke"], "users": 0}}}, "load_test_profiles.smoke.users is 0"),
        ({"profiles": {"smoke": {"kind": "closed", "requests": 1}}}, "load_test_profiles.smoke.seconds is missing"),
        (
            {"prompts": {"csv": "prompt,workspace\n,docs\n", "name": "mine.csv"}},
            "rows of mine.csv cannot be asked (line 2: no prompt)",
        ),
        ({"prompts": CSV}, "ask the workspaces docs, and the API knows models"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_a_remedy(differs: dict[str, Any], said: str) -> None:
    found = planned(**differs)
    assert len(found["findings"]) == 1, found["findings"]
    assert said in found["findings"][0]
    assert found["lines"] == []


def test_several_things_are_told_at_once() -> None:
    assert len(planned(models=["x"], profile="y", missing=["/z"])["findings"]) == 3


def test_a_promise_is_for_the_models_that_are_asked_and_a_name_goes_before_all() -> None:
    sla = {"all": {"ttft_p95_ms": 1000, "error_rate": 0.1}, "coder": {"ttft_p95_ms": 5000}}
    found = planned(sla=sla, models=["chat", "coder"])
    assert found["sla"] == {
        "models": {
            "chat": {"ttft_p95_ms": 1000, "error_rate": 0.1},
            "coder": {"ttft_p95_ms": 5000, "error_rate": 0.1},
        }
    }
    assert planned(sla={"coder": {"error_rate": 0}})["sla"] == {}


def test_a_sweep_ends_where_the_strictest_promise_is_broken() -> None:
    sla = {"all": {"ttft_p95_ms": 1000, "latency_p95_ms": 9000}, "coder": {"ttft_p95_ms": 5000}}
    found = planned(profile="sweep", sla=sla, models=["chat", "coder"])
    assert found["profile"]["until"] == {"ttft_p95_ms": 1000}
    assert profiles.read(found["profile"], "gateway").until == {"ttft_p95_ms": 1000}


def test_questions_of_a_file_go_to_the_models_of_its_workspaces() -> None:
    found = planned(profile="shop_series_3", prompts=CSV, assistants={"Docs": {"model": "coder"}}, models=["chat"])
    assert found["findings"] == []
    assert found["profile"]["workspaces"]["docs"] == "coder"
    plain = {"csv": "prompt\nWhy?\n", "name": "mine.csv"}
    assert "workspaces" not in planned(prompts=plain, assistants={"Docs": {"model": "coder"}})["profile"]


def test_limits_of_a_key_are_told_before() -> None:
    said = " ".join(planned(key={"name": "measure", "requests_per_minute": 60})["lines"])
    assert "The key measure has limits of its own (requests_per_minute 60)" in said


def test_anythingllm_is_asked_by_workspaces_and_with_a_key_of_its_own() -> None:
    own = {"lunch": {"kind": "closed", "requests": 1, "seconds": 10, "prompts": "same", "workspaces": ["docs"]}}
    found = planned(through="anythingllm", key={}, profile="lunch", profiles=own, models=[])
    assert found["findings"] == []
    assert "to workspaces docs" in found["lines"][0]
