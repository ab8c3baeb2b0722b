# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same description makes a VM at Lambda, of which less can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fakes.lambda_cloud import KEY, LambdaCloud
from integration.conftest import PROJECT, Outcome, Runner

from .conftest import DESCRIPTION, secrets_of, unchanged

OURS = {"cloud_vm_provider": "lambda", "cloud_vm_data_disk_gib": 0, "cloud_vm_accept_cost": 1.5}


@pytest.fixture
def account() -> Iterator[LambdaCloud]:
    with LambdaCloud() as running:
        yield running


def test_a_vm_at_lambda_comes_and_goes(account: LambdaCloud, playbook: Runner, secrets: Path) -> None:
    def run(play: str, *options: str, succeeds: bool = True, **description: object) -> Outcome:
        playbook.hosts({"llm": {**DESCRIPTION, **OURS, "cloud_vm_lambda_url": account.url, **description}})
        path = PROJECT / f"playbooks/{play}_cloud_vm.yml"
        return playbook(path, "--diff", *options, succeeds=succeeds, variables={"LAMBDA_API_KEY": KEY})

    refused = run("provision", succeeds=False, cloud_vm_spot=True, cloud_vm_data_disk_gib=200)
    assert "lambda sells no spot machines" in refused.words
    assert "lambda has no disks to attach" in refused.words
    dry = run("provision", "--check")
    assert "llm will be a gpu_1x_a10 in us-east-1 (NVIDIA A10) for 1.29 USD an hour" in dry.words
    assert dry.changed > 0
    assert (account.writes, secrets.exists()) == ([], False)

    made = run("provision")
    assert account.machines[0]["status"] == "active"
    told = yaml.safe_load(dict(account.writes)["instance-operations/launch"]["user_data"])
    assert told["users"][0]["name"] == "admin"
    assert secrets_of(made, secrets) == []
    assert KEY not in made.output
    unchanged(run("provision"))

    run("destroy")
    assert (account.machines[0]["status"], account.keys, list(secrets.iterdir())) == ("terminated", [], [])
    unchanged(run("destroy"))
