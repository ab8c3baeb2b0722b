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
from ansible.parsing.vault import VaultLib, VaultSecret
from fakes import ports
from lab import packages

from .conftest import PROJECT, WARNING, Outcome, environment
from .gateway.description import HAPROXY

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
            "hearth_port": ports.free(),
            "hearth_domain": "llm.example.com",
            "hearth_api_keys": [{"name": "alice"}, {"name": "bob"}],
            "gateway_program": HAPROXY,
            "gateway_metrics_port": ports.free(),
            "gateway_models": {"chat": {"addresses": [f"127.0.0.1:{ports.free()}"]}},
        }

    @property
    def state(self) -> dict[str, bytes]:
        """Every file that the gateway reads, and the note."""
        files = [*self.directory.glob("services/gateway/current/*"), *self.directory.glob(self.note.name)]
        return {path.name: path.read_bytes() for path in files}

    @property
    def note(self) -> Path:
        return self.directory / "deployed_with.json"


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

    def takes_over(self, secrets: Path) -> None:
        shutil.rmtree(self.secrets)
        shutil.copytree(secrets, self.secrets)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    packages.provide("haproxy")
    return Host(tmp_path_factory.mktemp("whose"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Controller]:
    controller = Controller(tmp_path_factory.mktemp("first"), host)
    controller.run("deploy_gateway")
    yield controller
    (control,) = host.directory.glob("venvs/*/bin/supervisorctl")
    conf = host.directory / "supervisor/supervisord.conf"
    subprocess.run([control, "--configuration", conf, "shutdown"], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def second(tmp_path: Path, host: Host, first: Controller) -> Controller:
    assert first.secrets.exists()
    return Controller(tmp_path / "second", host)


@pytest.mark.usefixtures("first")
def test_a_controller_without_the_secrets_of_a_host_is_stopped_before_anything_is_changed(
    host: Host, second: Controller
) -> None:
    before = host.state
    # A host of an older version has no note, and is known by what lies on it.
    host.note.unlink()
    for playbook, *options in (["deploy_gateway"], ["deploy_engines", "--check"]):
        stopped = second.run(playbook, *options, succeeds=False)
        assert stopped.changed == 0
        assert "llm1 was deployed with other secrets than this controller has" in stopped.words
        assert "and this controller has none" in stopped.words
        assert "the gateway takes keys that are unknown here, of alice, bob" in stopped.words
        assert "Copy the directory from the controller that deployed the host" in stopped.words
        assert "-e hearth_accept_removals=certificates,api_keys" in stopped.words
    host.note.write_bytes(before[host.note.name])
    assert host.state == before
    assert not second.secrets.exists()


def test_with_the_secrets_copied_nothing_changes_and_a_part_of_them_is_not_enough(
    first: Controller, second: Controller
) -> None:
    # As a team commits them: all but the certificates encrypted.
    shutil.copytree(first.secrets, second.secrets)
    (second.directory / "password").write_text("vault")
    vault = VaultLib([("default", VaultSecret(b"vault"))])
    for path in second.secrets.rglob("*"):
        if path.is_file() and path.suffix != ".pem":
            path.write_bytes(vault.encrypt(path.read_bytes()))
    assert second.run("deploy_gateway", "--vault-password-file=password").changed == 0
    (second.secrets / "api_keys/bob").unlink()
    stopped = second.run("deploy_gateway", "--vault-password-file=password", succeeds=False)
    assert "the gateway takes keys that are unknown here, of bob." in stopped.words
    assert "clients trust" not in stopped.words
    assert not (second.secrets / "api_keys/bob").exists()


def test_what_the_description_says_goes_the_usual_way(host: Host, first: Controller, second: Controller) -> None:
    """Keys that come, go and are rotated need no word: the controller has them."""
    shutil.copytree(first.secrets, second.secrets)
    rotated = [{"name": "alice", "rotation": "2026-12"}, {"name": "carol"}]
    second.describe({**host.variables, "hearth_api_keys": rotated})
    second.run("deploy_gateway")
    assert b"bob" not in host.state["keys.map"]

    before = host.state
    first.describe({**host.variables, "hearth_api_keys": rotated})
    stale = first.run("deploy_gateway", succeeds=False)
    assert "unknown here, of alice, carol" in stale.words
    assert host.state == before
    first.takes_over(second.secrets)


def test_a_gateway_that_is_gone_has_left_a_note(
    host: Host, first: Controller, second: Controller, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    shutil.copy(host.note, left)
    shutil.copytree(first.inventory / "group_vars", second.inventory / "group_vars", dirs_exist_ok=True)
    gone = second.run("check_secrets", f"-e=hearth_directory={left}", succeeds=False)
    assert "clients trust the CA with the SHA-256 fingerprint" in gone.words
    assert "keys that are unknown here, of alice" in gone.words


def test_a_confirmed_run_replaces_all_and_then_the_first_controller_is_the_stranger(
    host: Host, first: Controller, second: Controller
) -> None:
    second.run("deploy_gateway", "-e=hearth_accept_removals=certificates,api_keys")
    assert host.state["ca.pem"] == (second.secrets / "tls/ca.pem").read_bytes()
    assert "here it is the CA with the SHA-256 fingerprint" in first.run("check_secrets", succeeds=False).words


@pytest.mark.parametrize(
    ("description", "path", "content", "sentence"),
    [
        (
            {"hearth_frontends": {"anythingllm": {}}, "hearth_runtime": "docker"},
            "anythingllm/.env",
            "JWT_SECRET='a'\nSIG_KEY='b'\nSIG_SALT='c'\n",
            "AnythingLLM on llm1 encrypts by other secrets (sig_key, sig_salt) than this controller has",
        ),
        (
            {"hearth_frontends": {"open_webui": {}}},
            "services/open_webui/current/secrets.json",
            '{"WEBUI_SECRET_KEY": "d"}',
            "Going on would log everybody out",
        ),
        (
            {"hearth_valkey": True, "hearth_runtime": "docker"},
            "services/valkey/current/users.acl",
            f"user default on #{'e' * 64} ~* &* +@all",
            "was deployed with another password (valkey)",
        ),
    ],
    ids=["anythingllm", "open_webui", "valkey"],
)
def test_what_other_services_were_deployed_with_is_not_replaced_either(
    description: dict[str, Any], path: str, content: str, sentence: str, tmp_path: Path, host: Host
) -> None:
    left = tmp_path / "left" / path
    left.parent.mkdir(parents=True)
    left.write_text(content)
    stranger = Controller(tmp_path / "stranger", host)
    stranger.describe({**host.variables, **description, "hearth_directory": str(tmp_path / "left")})
    stopped = stranger.run("check_secrets", succeeds=False)
    assert sentence in stopped.words
    assert not stranger.secrets.exists()


def test_without_a_directory_of_the_inventory_nothing_is_written(tmp_path: Path, host: Host) -> None:
    nowhere = Controller(tmp_path / "nowhere", host)
    (nowhere.directory / "vars.json").write_text(
        json.dumps({**host.variables, "hearth_directory": str(tmp_path / "h"), "preflight_fail_on": "never"})
    )
    for playbook in ("site", "deploy_gateway"):
        refused = nowhere.run(playbook, "-e", "@vars.json", inventory="localhost,", succeeds=False)
        assert "there is no place for .secrets beside it" in refused.words
        assert "set hearth_secrets_directory to an absolute path" in refused.words
    assert not [path for path in PROJECT.rglob("None") if ".venv" not in path.parts]
    assert {path.name for path in nowhere.directory.iterdir()} - {"ansible", ".ansible"} == {"inventory", "vars.json"}
    assert not (tmp_path / "h").exists()
