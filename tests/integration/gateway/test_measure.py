# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/measure.yml through a real gateway: what is asked, what is written, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import Engine
from integration.conftest import PROJECT, Outcome, Runner
from integration.gateway.description import LIMITED_KEY, Gateway

MEASURE = PROJECT / "playbooks/measure.yml"
MODELS = {name: {"source": f"file:///srv/{name}.gguf"} for name in ("alpha", "beta")}
# As long as a test can wait for.
SHORT: dict[str, Any] = {"smoke": {"requests": 6, "seconds": 4, "warm_up": 0}}


class Measured:
    """A run of the playbook, and the evidence that it has written."""

    def __init__(self, gateway: Gateway, directory: Path) -> None:
        self.directory, self._gateway = directory, gateway
        self._runner = Runner(directory / "play") if (directory / "play").mkdir() is None else None

    def run(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        here = {
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
            **variables,
        }
        assert self._runner
        return self._runner(MEASURE, "-e", json.dumps(here), *options, succeeds=succeeds)

    def evidence(self) -> Path:
        (found,) = [path for path in (self.directory / "measurements").iterdir() if path.is_dir()]
        return found

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.evidence() / "raw/requests.jsonl").read_text().splitlines()]


@pytest.fixture
def measured(gateway: Gateway, tmp_path: Path) -> Measured:
    return Measured(gateway, tmp_path)


def test_a_dry_run_says_what_would_be_asked_and_asks_nobody(measured: Measured, alpha: Engine) -> None:
    said = measured.run("--check", load_test_models=["alpha", "beta"]).words
    assert "smoke: 12 requests at most, to alpha, beta, within 7 seconds, from the controller." in said
    assert not alpha.received
    assert not (measured.directory / "measurements").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"load_test_models": ["alhpa"]},
            "load_test_models: alhpa is not in hearth_models, which has alpha, beta: write alpha.",
        ),
        ({"load_test_profile": "smok"}, "load_test_profile is 'smok', which no profile is called: write smoke"),
        (
            {"load_test_models": ["beta"], "load_test_key_name": "limited"},
            "load_test_models: the key limited may not use beta, but alpha: add it to that key's models in hearth_api_keys",
        ),
        ({"load_test_baseline": "/nowhere"}, "load_test_baseline is /nowhere, where no measurement is"),
        (
            {"load_test_profile": "shop_series_3"},
            "The profile shop_series_3 asks questions of yours, and load_test_prompts_file is not set",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_before_anybody_is_asked(
    measured: Measured, alpha: Engine, wrong: dict[str, Any], sentence: str
) -> None:
    said = measured.run(succeeds=False, **wrong).words
    assert sentence in said
    assert not alpha.received
    assert not (measured.directory / "measurements").exists()
