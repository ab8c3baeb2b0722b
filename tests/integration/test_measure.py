# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/measure.yml against a real llama.cpp behind the real gateway: the shop's three series and the smallest profile.

It takes some minutes, and is run by HEARTH_TEST_MEASURE=1. What a run writes, and how it ends, is tested in every run by gateway/test_measure.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT, Outcome, Runner
from integration.programs import stop_all
from integration.real_house import House
from lab import packages

pytestmark = pytest.mark.skipif("HEARTH_TEST_MEASURE" not in os.environ, reason="set HEARTH_TEST_MEASURE=1")

MODEL = {"source": f"file://{PROJECT}/files/models/hearth-mini.gguf", "context_tokens": 2048, "slots": 2}
KEYS = [{"name": "default"}, {"name": "measure"}]
# The series as they are shipped, with pauses that a test can wait for.
SHORT = {
    "shop_series_1": {"pause": 0.2, "prompts": ["What is your name?", "What is the capital of France?"]},
    "shop_series_2": {"requests": 5},
    "shop_series_3": {"pause": {"mean": 0.3, "min": 0.1, "max": 1}, "users": 3, "max_tokens": 64},
}


class Shop:
    def __init__(self, house: House, playbook: Runner, directory: Path) -> None:
        self.house, self._playbook, self.directory = house, playbook, directory

    def measure(self, profile: str, **variables: Any) -> tuple[Outcome, Path]:
        described = {
            "hearth_runtime": "process",
            "hearth_directory": str(self.house.directory / "h"),
            "hearth_secrets_directory": str(self.house.directory / "secrets"),
            "hearth_models_lock_file": str(self.house.directory / "models.lock.yml"),
            "hearth_measurements_directory": str(self.directory),
            "hearth_models": self.house.models,
            "hearth_port": self.house.port,
            "hearth_api_keys": KEYS,
            "load_test_assistants": {"Docs": {"model": "mini", "slug": "docs"}, "Code": {"model": "mini"}},
            "load_test_profile": profile,
            "load_test_profiles": SHORT,
            "load_test_name": profile,
            **variables,
        }
        outcome = self._playbook(PROJECT / "playbooks/measure.yml", "-e", json.dumps(described))
        evidence = self.directory / profile
        key = (self.house.directory / "secrets/api_keys/measure").read_text().strip()
        for text in [outcome.output, *(path.read_text() for path in evidence.rglob("*") if path.is_file())]:
            assert key not in text
        return outcome, evidence


def rows(evidence: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (evidence / "raw/requests.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[Shop]:
    packages.provide("haproxy", "libgomp.so.1")
    directory = tmp_path_factory.mktemp("shop")
    house = House(directory, module_playbook, {"mini": MODEL}, hearth_api_keys=KEYS)
    house.describe(roles=("models", "llama_cpp", "certificates", "gateway"))
    yield Shop(house, module_playbook, directory / "measurements")
    stop_all(house.directory / "h")


def test_the_smallest_profile_asks_for_twenty_seconds_at_most_and_says_what_was_running(shop: Shop) -> None:
    _outcome, evidence = shop.measure("smoke")
    run = json.loads((evidence / "raw/run.json").read_text())
    assert run["seconds"] <= 20
    host = run["running"]["hosts"]["localhost"]
    assert host["engines"]["mini"]["slots"] == 2
    assert host["models"][0]["files"][0]["sha256"]
    engines = json.loads((evidence / "raw/engines.json").read_text())
    assert engines["unread"] == {}
    counted = "llamacpp:tokens_predicted_total"
    answered = [row for row in rows(evidence) if not row["error"]]
    more = engines["after"]["mini"][counted] - engines["before"]["mini"][counted]
    assert more == sum(row["tokens_out"] for row in answered)
    assert {row["key"] for row in answered} == {"measure"}
    assert all(0 <= row["queue"] <= row["gateway"] for row in answered)


def test_the_first_series_tells_cold_answers_from_warm_ones(shop: Shop) -> None:
    _outcome, evidence = shop.measure("shop_series_1")
    found = rows(evidence)
    assert [row["series"] for row in found] == ["cold", "warm"] * 2
    cold, warm = ([row["tokens_cached"] for row in found if row["series"] == series] for series in ("cold", "warm"))
    assert max(cold) < min(warm)
    assert "## cold, mini" in (evidence / "results.md").read_text()


def test_the_second_series_gives_the_shops_own_outputs(shop: Shop) -> None:
    _outcome, evidence = shop.measure("shop_series_2")
    found = rows(evidence)
    assert sorted(row["user"] for row in found) == sorted([0, 1, 2] * 5)
    assert len({row["prompt"] for row in found}) == 1
    table = (evidence / "performance_metrics.csv").read_text().splitlines()
    wanted = "User ID,Iteration,Status,Latency (ms),Prompt Tokens,Completion Tokens,Total Tokens,Output TPS (tokens/s),Duration (s)"
    assert wanted in table
    assert "| Metric | Mean Value | Standard Deviation |" in (evidence / "results.md").read_text()


def test_the_third_series_asks_each_question_of_a_file_once(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "series3_input.csv"
    asked = [f'"What is {number}, and why?",{"docs" if number % 2 else "code"}' for number in range(20)]
    file.write_text("\n".join(["prompt,workspace", *asked, "a row without its workspace,"]) + "\n")
    outcome, evidence = shop.measure("shop_series_3", load_test_prompts_file=str(file))
    assert "Left out of series3_input.csv: line 22: no workspace." in outcome.words
    found = rows(evidence)
    assert len(found) == len({row["prompt"] for row in found}) == 20
    assert {row["user"] for row in found} == {0, 1, 2}
    assert {row["workspace"] for row in found} == {"docs", "code"}
    assert {row["model"] for row in found} == {"mini"}
