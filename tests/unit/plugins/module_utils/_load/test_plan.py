# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same profile is the same plan, and a plan is what its profile says."""

from __future__ import annotations

import itertools
import random
import statistics
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._load import plan, profile
from ansible_collections.hearth.llm.plugins.module_utils._load.plan import Ask, Part, Plan

BASE = {"kind": "closed", "requests": 10, "seconds": 100, "models": ["chat"], "prompts": "questions"}


def make(through: str = "gateway", mark: str = "m", **given: Any) -> Plan:
    return plan.make(profile.read({**BASE, **given}, through), mark)


def asks(part: Part) -> list[Ask]:
    return [ask for user in [*part.users, *([part.schedule] if part.schedule else [])] for ask in user()]


def everything(made: Plan) -> list[Ask]:
    return [ask for part in made.parts for ask in asks(part)]


KINDS: dict[str, dict[str, Any]] = {
    "closed": {"users": 3, "pause": {"mean": 30, "min": 10, "max": 300}, "order": "random", "warm_up": 2},
    "dealt out": {"users": 3, "order": "once", "requests": 100},
    "open": {"kind": "open", "rate": 5, "requests": 400, "users": 4},
    "serial": {"kind": "serial", "requests": 3, "models": ["a", "b"], "pause": 30},
    "sweep": {"kind": "sweep", "concurrency": [1, 2, 4], "requests": 2, "warm_up": 1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_can_be_made_again(kind: str) -> None:
    assert everything(make(**KINDS[kind])) == everything(make(**KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_each_request_has_a_number_and_all_are_counted(kind: str) -> None:
    made = make(**KINDS[kind])
    assert sorted(ask.n for ask in everything(made)) == list(range(made.planned))


def test_another_seed_is_another_plan() -> None:
    one, other = (make(**KINDS["closed"], seed=seed).parts[1] for seed in (1, 2))
    assert [ask.after for ask in asks(one)] != [ask.after for ask in asks(other)]


def test_a_user_more_changes_nothing_for_the_others() -> None:
    pause = {"mean": 30, "min": 10, "max": 300}
    few, many = (make(users=users, pause=pause).parts[0] for users in (2, 3))
    first = [[ask.after for ask in part.users[0]()] for part in (few, many)]
    assert first[0] == first[1]


def test_arrivals_by_chance_have_the_rate_that_was_asked_for() -> None:
    read = profile.read({**BASE, "kind": "open", "rate": 20, "requests": 10**6, "seconds": 500}, "gateway")
    times = list(plan.arrivals(read))
    apart = [later - earlier for earlier, later in itertools.pairwise([0.0, *times])]
    # 10 000 are expected; five standard deviations are 500.
    assert abs(len(times) - 10_000) < 500
    assert all(gap > 0 for gap in apart)
    # An exponential distribution's mean is its standard deviation.
    assert statistics.stdev(apart) / statistics.mean(apart) == pytest.approx(1, abs=0.05)
    assert max(times) < 500


def test_even_arrivals_are_even_and_each_bound_ends_them() -> None:
    made = make(kind="open", rate=4, arrivals="even", requests=6)
    assert [ask.at for ask in everything(made)] == [0, 0.25, 0.5, 0.75, 1.0, 1.25]
    assert make(kind="open", rate=4, arrivals="even", requests=100, seconds=1).planned == 4


def test_pauses_keep_their_bounds_and_their_mean() -> None:
    drawn = list(itertools.islice(plan.pauses(profile.Pause(30, 10, 300, "exponential"), random.Random(1)), 20_000))
    assert (min(drawn), max(drawn) <= 300) == (10, True)
    # What lies below ten is moved to ten: 10 + 30 e^(-1/3), but for the little that 300 cuts.
    assert statistics.mean(drawn) == pytest.approx(10 + 30 * 0.7165, rel=0.03)
    uniform = list(itertools.islice(plan.pauses(profile.Pause(2, 1, 3, "uniform"), random.Random(1)), 2000))
    assert 1 <= min(uniform) < 1.1 < 2.9 < max(uniform) <= 3
    assert list(itertools.islice(plan.pauses(profile.Pause(5, 5, 5), random.Random(1)), 2)) == [5, 5]


def test_the_first_requests_of_users_who_think_do_not_come_together() -> None:
    part = make(users=20, pause=10).parts[0]
    first = [next(user()).after for user in part.users]
    assert len(set(first)) == 20
    assert all(0 <= after <= 10 for after in first)
    assert all(next(user()).after == 0 for user in make(users=3).parts[0].users)


def test_prompts_that_are_dealt_out_are_asked_once_each() -> None:
    texts = [f"question {number}" for number in range(740)]
    made = make(users=9, prompts=texts, order="once", requests=1000)
    assert sorted(ask.text for ask in everything(made)) == sorted(texts)
    sizes = [len(list(user())) for user in made.parts[0].users]
    assert max(sizes) - min(sizes) <= 1
    assert make(users=9, prompts=texts, order="once", requests=10).planned == 90


def test_models_are_asked_in_turn_and_meet_every_prompt() -> None:
    made = make(models=["a", "b"], prompts=["x", "y"], requests=4)
    assert {(ask.model, ask.text) for ask in everything(made)} == {("a", "x"), ("b", "y"), ("b", "x"), ("a", "y")}


def test_only_the_first_of_a_prompt_in_a_row_is_cold_and_each_run_is_new_to_a_cache() -> None:
    one, next_run = (make(mark=mark, kind="serial", requests=3, prompts=["x", "y"]) for mark in ("run1", "run2"))
    assert [ask.series for ask in everything(one)] == ["cold", "warm", "warm"] * 2
    texts = [ask.text for ask in everything(one)]
    assert len(set(texts)) == 2
    assert texts[0] == texts[1] == texts[2]
    assert not set(texts) & {ask.text for ask in everything(next_run)}
    assert everything(one)[0].prompt.digest == everything(next_run)[0].prompt.digest
    assert everything(one)[0].after == 0


def test_fresh_prompts_are_all_new() -> None:
    for given in ({"users": 3}, {"kind": "open", "rate": 100}):
        texts = [ask.text for ask in everything(make(fresh=True, prompts="same", **given))]
        assert len(set(texts)) == len(texts)
        assert all(text.endswith("for a week.") for text in texts)


def test_a_sweep_is_a_part_for_each_step() -> None:
    made = make(kind="sweep", concurrency={"start": 1, "max": 20}, step_seconds=7, requests=2)
    assert [part.series for part in made.parts] == [f"concurrency {step}" for step in (1, 2, 4, 8, 16)]
    assert [len(part.users) for part in made.parts] == [1, 2, 4, 8, 16]
    assert all(part.judged and part.seconds == 7 for part in made.parts)


def test_each_model_is_warmed_up_with_another_prompt() -> None:
    made = make(models=["a", "b"], warm_up=2)
    first = asks(made.parts[0])
    assert [(ask.series, ask.model) for ask in first] == [("warm_up", model) for model in ("a", "b", "a", "b")]
    assert not {ask.text for ask in first} & {ask.text for ask in asks(made.parts[1])}


def test_workspaces_are_asked_themselves_or_as_the_model_that_answers_for_them() -> None:
    rows = {"csv": "prompt,workspace\nWhat?,docs\nHow?,code\n", "name": "input.csv"}
    by_api = make(prompts=rows, workspaces={"docs": "chat", "code": "coder"}, models=[], requests=2)
    assert [(ask.workspace, ask.model) for ask in everything(by_api)] == [("docs", "chat"), ("code", "coder")]
    by_page = make("anythingllm", prompts=rows, models=[], requests=2)
    assert [(ask.workspace, ask.model) for ask in everything(by_page)] == [("docs", ""), ("code", "")]
