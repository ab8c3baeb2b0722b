# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/measure.yml through a real gateway: what is asked, what is written, and how it ends."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import Engine, EngineFailsError
from integration.conftest import PROJECT, Outcome, Runner, press_ctrl_c
from integration.gateway.description import LIMITED_KEY, Gateway, eventually

MEASURE = PROJECT / "playbooks/measure.yml"
MODELS = {name: {"source": f"file:///srv/{name}.gguf"} for name in ("alpha", "beta")}
# As long as a test can wait for.
SHORT: dict[str, Any] = {"smoke": {"requests": 6, "seconds": 4, "warm_up": 0}}


class Measured:
    """A run of the playbook, and the evidence that it has written."""

    def __init__(self, gateway: Gateway, directory: Path) -> None:
        self.directory, self._gateway = directory, gateway
        (directory / "play").mkdir()
        self._runner = Runner(directory / "play")

    def hosts(self, *names: str) -> None:
        self._runner.hosts({name: {} for name in names})

    def _variables(self, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "hearth_runtime": "process",
            "hearth_directory": str(self._gateway.directory / "h"),
            "hearth_secrets_directory": str(self._gateway.directory / "secrets"),
            "hearth_measurements_directory": str(self.directory / "measurements"),
            "hearth_models_lock_file": str(self.directory / "lock.yml"),
            "hearth_port": self._gateway.port,
            "hearth_models": MODELS,
            "hearth_api_keys": [{"name": "all"}, {"name": "limited", "key": LIMITED_KEY, "models": ["alpha"]}],
            "load_test_profiles": SHORT,
            "load_test_models": ["alpha"],
            **more,
        }

    def run(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        return self._runner(MEASURE, "-e", json.dumps(self._variables(variables)), *options, succeeds=succeeds)

    def start(self, **variables: Any) -> subprocess.Popen[str]:
        return self._runner.start(MEASURE, "-e", json.dumps(self._variables(variables)))

    @property
    def key(self) -> str:
        return self._gateway.key

    def evidence(self) -> Path:
        (found,) = [path for path in (self.directory / "measurements").iterdir() if path.is_dir()]
        return found

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.evidence() / "raw/requests.jsonl").read_text().splitlines()]


@pytest.fixture
def measured(gateway: Gateway, tmp_path: Path) -> Measured:
    return Measured(gateway, tmp_path)


def test_what_is_wrong_is_told_at_once_and_what_would_be_asked_by_a_dry_run(measured: Measured, alpha: Engine) -> None:
    wrong = {"load_test_models": ["alphx", "beta"], "load_test_key_name": "limited", "load_test_baseline": ["/nowhere"]}
    said = measured.run(succeeds=False, **wrong).words
    assert "load_test_models: alphx is not in hearth_models, which has alpha, beta: write alpha." in said
    assert "the key limited may not use beta, but alpha: add it to that key's models in hearth_api_keys" in said
    assert "load_test_baseline is /nowhere, where no measurement is" in said
    said = measured.run("--check", load_test_models=["alpha", "beta"]).words
    assert "smoke: 12 requests at most, to alpha, beta, within 7 seconds, from the controller." in said
    assert not alpha.received
    assert not (measured.directory / "measurements").exists()


def test_a_broken_promise_fails_after_the_evidence_was_written(measured: Measured, alpha: Engine) -> None:
    calls = itertools.count()

    def first_word() -> float:
        if next(calls) == 5:
            raise EngineFailsError("this one alone")
        return 0

    alpha.first_word = first_word
    promised = {"alpha": {"latency_p95_ms": 0.01, "error_rate": 0}}
    outcome = measured.run("--diff", "-v", succeeds=False, load_test_sla=promised, load_test_becomes_baseline="alone")
    assert (
        "latency_p95_ms 0.01 of alpha in users is broken: 12 of 12 requests took longer than 0.01 ms" in outcome.words
    )
    assert "error_rate 0 of alpha in users is broken: 1 of 12 requests failed." in outcome.words
    # In no figure is one that has failed.
    assert "Time to first token, ms, n 11: mean" in outcome.words
    rows = measured.rows()
    assert len(rows) == len(alpha.received) == 12
    (failed,) = [row for row in rows if row["error"]]
    assert (failed["status"], failed["error"]["kind"], failed["server"]) == (500, "status", "engine")
    for row in rows:
        if row is failed:
            continue
        assert (row["status"], row["key"], row["server"]) == (200, "all", "engine")
        # Whole milliseconds, of which the last is cut off.
        assert 0 <= row["queue"] <= row["gateway"] <= row["ended"] - row["started"] + 0.002
        assert (row["tokens_in"], row["tokens_cached"], row["tokens_out"]) == (11, 4, 3)
    run = json.loads((measured.evidence() / "raw/run.json").read_text())
    assert run["ended_by"] == "plan"
    assert run["running"]["hosts"]["localhost"]["hardware"]["ansible_processor_vcpus"] >= 1
    written = [path for path in measured.evidence().rglob("*") if path.is_file()]
    assert {"index.html", "results.md", "performance_metrics.csv", "junit.xml", "SHA256SUMS"} <= {
        path.name for path in written
    }
    for text in [outcome.output, *(path.read_text() for path in written)]:
        assert measured.key not in text
    assert not list((measured.directory / "measurements").glob("baseline-*"))


def test_a_run_that_is_broken_off_keeps_its_rows_and_can_be_finished(measured: Measured, alpha: Engine) -> None:
    begun = measured.start(
        load_test_profiles={"smoke": {"requests": 1000, "seconds": 600, "timeout": 600, "warm_up": 0}}
    )
    eventually(lambda: len(alpha.received) >= 20, "some were asked", 60)
    alpha.go.clear()
    eventually(lambda: alpha.running == 2, "two are on their way")
    press_ctrl_c(begun)
    raw = measured.evidence() / "raw"
    eventually(lambda: json.loads((raw / "run.json").read_text())["ended_by"] == "interrupt", "it has heard that")
    rows = measured.rows()
    assert len([row for row in rows if not row["error"]]) >= 18
    assert [row["error"]["kind"] for row in rows if row["error"]] == ["interrupted"] * 2
    outcome = measured.run(load_test_finish=str(measured.evidence()), load_test_becomes_baseline="alone")
    assert "users, alpha:" in outcome.words
    assert {row["server"] for row in measured.rows() if not row["error"]} == {"engine"}
    assert (measured.evidence() / "index.html").exists()
    (mark,) = (measured.directory / "measurements").glob("baseline-smoke")
    assert mark.read_text() == f"{measured.evidence().name}\n"
