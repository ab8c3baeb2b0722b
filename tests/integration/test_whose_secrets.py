# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host and two controllers: the second one locks nobody out, until it is told to; and no secret ends up where the next run does not look."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import packages

from .conftest import PROJECT, WARNING, Outcome, environment
from .gateway.description import HAPROXY, free_port

PLAYBOOKS = PROJECT / "playbooks"


class Host:
    """This machine, with a gateway below one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "host"
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "hearth_runtime": "process",
            "hearth_directory": str(self.directory),
            "hearth_address": "127.0.0.1",
            "hearth_port": free_port(),
            "hearth_domain": "llm.example.com",
            "hearth_api_keys": [{"name": "alice"}, {"name": "bob"}],
            "gateway_program": HAPROXY,
            "gateway_metrics_port": free_port(),
            "gateway_models": {"chat": {"address": f"127.0.0.1:{free_port()}"}},
        }

    @property
    def state(self) -> dict[str, bytes]:
        """Every file that the gateway reads, and the note."""
        files = self.directory.glob("services/gateway/current/*")
        return {path.name: path.read_bytes() for path in (*files, self.directory / "deployed_with.json")}


class Controller:
    """An inventory of its own, as two people have who clone one repository."""

    def __init__(self, directory: Path, host: Host) -> None:
        self.directory = directory
        self.inventory = directory / "inventory"
        self.secrets = self.inventory / ".secrets"
        (self.inventory / "group_vars").mkdir(parents=True)
        self.describe(host.variables)
        (self.inventory / "hosts").write_text("llm1\n")

    def describe(self, variables: dict[str, Any]) -> None:
        (self.inventory / "group_vars/all.json").write_text(json.dumps(variables))

    def run(self, playbook: str, *options: str, inventory: str = "", succeeds: bool = True) -> Outcome:
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(PLAYBOOKS / f"{playbook}.yml")]
        done = subprocess.run(
            [*command, "-i", inventory or str(self.inventory), *options],
            cwd=self.directory,
            env=environment(self.directory),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        outcome = Outcome(done.returncode, done.stdout + done.stderr)
        assert (done.returncode == 0) == succeeds, outcome.output
        assert not WARNING.search(outcome.output), outcome.output
        return outcome

    def removes(self, *kinds: str) -> str:
        return f"-e=hearth_accept_removals={','.join(kinds)}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    packages.provide("haproxy")
    return Host(tmp_path_factory.mktemp("whose"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Controller]:
    controller = Controller(tmp_path_factory.mktemp("first"), host)
    controller.run("deploy_gateway")
    yield controller
    controller.run("remove")


@pytest.fixture
def second(tmp_path: Path, host: Host, first: Controller) -> Controller:
    return Controller(tmp_path / "second", host)


def test_a_controller_without_the_secrets_of_a_host_is_stopped_before_anything_is_changed(
    host: Host, first: Controller, second: Controller
) -> None:
    before = host.state
    for playbook, *options in (
        ["deploy_gateway"],
        ["deploy_gateway", "--check"],
        ["deploy_engines"],
        ["check_secrets"],
    ):
        stopped = second.run(playbook, *options, succeeds=False)
        assert stopped.changed == 0
        assert "llm1 was deployed with other secrets than this controller has" in stopped.words
        assert "and this controller has none" in stopped.words
        assert "the gateway takes 2 API keys that are unknown here (alice, bob)" in stopped.words
        assert f"Copy the directory from the controller that deployed the host" in stopped.words
        assert "-e hearth_accept_removals=certificates,api_keys" in stopped.words
    assert host.state == before
    assert not second.secrets.exists()


def test_with_the_secrets_copied_nothing_changes(host: Host, first: Controller, second: Controller) -> None:
    shutil.copytree(first.secrets, second.secrets)
    assert second.run("deploy_gateway").changed == 0


def test_a_part_of_the_secrets_is_not_enough(host: Host, first: Controller, second: Controller) -> None:
    shutil.copytree(first.secrets, second.secrets)
    (second.secrets / "api_keys/bob").unlink()
    stopped = second.run("deploy_gateway", succeeds=False)
    assert "the gateway takes 1 API keys that are unknown here (bob)" in stopped.words
    assert "clients trust" not in stopped.words
    assert not (second.secrets / "api_keys/bob").exists()


def test_what_the_description_says_goes_the_usual_way(host: Host, first: Controller, second: Controller) -> None:
    """Keys that come, go and are rotated need no word; the controller has them."""
    shutil.copytree(first.secrets, second.secrets)
    rotated = [{"name": "alice", "rotation": "2026-12"}, {"name": "bob"}, {"name": "carol"}]
    second.describe({**host.variables, "hearth_api_keys": rotated})
    second.run("deploy_gateway")
    second.describe({**host.variables, "hearth_api_keys": rotated[:2]})
    second.run("deploy_gateway")
    assert b"carol" not in host.state["keys.map"]

    before = host.state
    stale = first.run("deploy_gateway", succeeds=False)
    assert "1 API keys that are unknown here (alice)" in stale.words
    second.describe({**host.variables, "hearth_api_keys": []})
    nobody = second.run("deploy_gateway", succeeds=False)
    assert "remove all API keys of llm1: alice, bob" in nobody.words
    assert host.state == before
    shutil.rmtree(first.secrets)
    shutil.copytree(second.secrets, first.secrets)


def test_a_gateway_that_is_gone_has_left_a_note_and_a_confirmed_run_replaces_all(
    host: Host, first: Controller, second: Controller
) -> None:
    first.run("remove")
    assert not (host.directory / "services/gateway").exists()
    gone = second.run("deploy_gateway", succeeds=False)
    assert "clients trust the CA with the SHA-256 fingerprint" in gone.words
    second.run("deploy_gateway", second.removes("certificates", "api_keys"))
    assert second.run("deploy_gateway").changed == 0
    assert host.state["ca.pem"] == (second.secrets / "tls/ca.pem").read_bytes()
    assert "here it is the CA with the SHA-256 fingerprint" in first.run("deploy_gateway", succeeds=False).words
    shutil.rmtree(first.secrets)
    shutil.copytree(second.secrets, first.secrets)


def test_a_host_that_was_deployed_before_there_were_notes_is_known_by_what_lies_on_it(
    host: Host, first: Controller, second: Controller
) -> None:
    note = host.directory / "deployed_with.json"
    note.unlink()
    assert "2 API keys that are unknown here" in second.run("check_secrets", succeeds=False).words
    assert first.run("deploy_gateway").changed == 1
    assert note.exists()


@pytest.mark.parametrize("playbook", ["site", "deploy_gateway"])
def test_without_a_directory_of_the_inventory_nothing_is_written(
    playbook: str, tmp_path: Path, host: Host, first: Controller
) -> None:
    nowhere = Controller(tmp_path / "nowhere", host)
    (nowhere.directory / "vars.json").write_text(
        json.dumps({**host.variables, "hearth_directory": str(tmp_path / "h"), "preflight_fail_on": "never"})
    )
    before = {path for path in PROJECT.rglob("*None*") if ".venv" not in path.parts}
    refused = nowhere.run(playbook, "-e", "@vars.json", inventory="localhost,", succeeds=False)
    assert "there is no place for .secrets beside it" in refused.words
    assert "set hearth_secrets_directory to an absolute path" in refused.words
    assert {path for path in PROJECT.rglob("*None*") if ".venv" not in path.parts} == before == set()
    assert sorted(path.name for path in nowhere.directory.iterdir() if path.name != "ansible") == [
        "inventory",
        "vars.json",
    ]
    assert not (tmp_path / "h").exists()

    told = nowhere.directory / "told"
    nowhere.run("check_secrets", "-e", "@vars.json", "-e", f"hearth_secrets_directory={told}", inventory="localhost,")
    assert not told.exists()
