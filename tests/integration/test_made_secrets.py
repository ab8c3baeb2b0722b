# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are made by a task that says so, and by nothing else: a lookup reads, wherever it stands."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.conftest import Outcome, Runner

HOSTS = [f"host{number}" for number in range(8)]
# How long a text is without its prefix.
LENGTH = 43


class House:
    """Variables that read secrets, and the directory where these lie."""

    def __init__(self, playbook: Runner, directory: Path) -> None:
        self.secrets = directory / "secrets"
        self._playbook = playbook
        self._directory = directory
        self.variables: dict[str, Any] = {
            "house_key": self.lookup("engine_key"),
            "house_users": {
                "passwords": f"{{{{ query('hearth.llm.secret', 'users/ana', 'users/bo', directory='{self.secrets}') }}}}",
                "key": self.lookup("api_keys/ana", ", prefix='sk-'"),
            },
        }

    def lookup(self, name: str, options: str = "") -> str:
        return f"{{{{ lookup('hearth.llm.secret', '{name}', directory='{self.secrets}'{options}) }}}}"

    def make(self, *names: str) -> dict[str, Any]:
        return {"name": "Make", "hearth.llm.secrets": {"variables": list(names)}, "register": "made"}

    def run(self, *options: str, tasks: list[dict[str, Any]], succeeds: bool = True) -> Outcome:
        path = self._directory / "play.yml"
        play = {
            "name": "House",
            "hosts": "all",
            "gather_facts": False,
            "vars_files": ["variables.yml"],
            "tasks": tasks,
        }
        (self._directory / "variables.yml").write_text(yaml.safe_dump(self.variables))
        path.write_text(yaml.safe_dump([play]))
        return self._playbook(path, *options, succeeds=succeeds)

    def texts(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.secrets)): path.read_text().strip()
            for path in self.secrets.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def house(playbook: Runner, tmp_path: Path) -> House:
    return House(playbook, tmp_path)


def show(value: str) -> dict[str, Any]:
    return {
        "name": "Show what the host reads",
        "ansible.builtin.debug": {"msg": f"{{{{ ({value}) | hash('sha256') }}}}"},
    }


def test_what_is_missing_is_told_made_once_and_read_by_all_hosts(house: House, playbook: Runner) -> None:
    playbook.hosts({name: {} for name in HOSTS})
    value = "house_key ~ house_users.key ~ house_users.passwords | join"
    tasks = [house.make("house_key", "house_users"), show(value)]
    paths = [house.secrets / name for name in ("engine_key", "users/ana", "users/bo", "api_keys/ana")]

    dry = house.run("--check", "--diff", "--forks=8", tasks=tasks)
    assert not house.secrets.exists(), "a dry run wrote something on the controller"
    assert "CHECKMODE" not in dry.output

    run = house.run("--diff", "-v", "--forks=8", tasks=tasks)
    texts = house.texts()
    for told in (dry, run):
        for path in paths:
            assert f"+{path}\n" in told.output
    assert [len(texts[str(path.relative_to(house.secrets))]) for path in paths] == [*[LENGTH] * 3, LENGTH + 3]
    assert not [text for text in texts.values() if text in run.output]
    # Each is made by one host, and told by that one.
    assert [run.output.count(f"+{path}\n") for path in paths] == [1] * len(paths)

    read = "".join(texts[name] for name in ("engine_key", "api_keys/ana", "users/ana", "users/bo"))
    assert run.output.count(hashlib.sha256(read.encode()).hexdigest()) == len(HOSTS)
    again = house.run("--diff", "--forks=8", tasks=tasks)
    assert again.changed == 0
    assert house.texts() == texts


def test_a_secret_that_nobody_has_made_is_refused_in_words(house: House) -> None:
    refused = house.run(tasks=[show("house_key")], succeeds=False)
    path = house.secrets / "engine_key"
    assert f"The secret {path} is not there, and reading makes none" in refused.words
    assert "or a task hearth.llm.secrets" in refused.words
    assert not house.secrets.exists()


def test_a_variable_that_has_its_value_from_elsewhere_makes_no_file(house: House) -> None:
    (house.secrets.parent / "password").write_text("vault")
    encrypted = subprocess.run(
        [
            Path(sys.executable).parent / "ansible-vault",
            "encrypt_string",
            "--vault-password-file=password",
            "of the vault",
            "--name=house_key",
        ],
        cwd=house.secrets.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    house.variables["house_users"] = "{{ lookup('ansible.builtin.env', 'HOME') }}"
    house.variables.pop("house_key")
    task = {
        **house.make("house_key", "house_users", "chosen"),
        "vars": {"chosen": f"{{{{ house_key if house_key is defined else {house.lookup('other')[2:-2]} }}}}"},
    }
    (house.secrets.parent / "vault.yml").write_text(encrypted)
    outcome = house.run("--vault-password-file=password", "-e@vault.yml", "-v", tasks=[task])
    assert outcome.changed == 0
    assert "of the vault" not in outcome.output
    assert not house.secrets.exists()


def test_nothing_is_made_where_one_of_the_variables_cannot_be_read(house: House) -> None:
    house.secrets.mkdir(mode=0o700)
    (house.secrets / "empty").touch(mode=0o600)
    house.variables.update(
        house_empty=house.lookup("empty"), house_wrong="{{ nothing.here }}", house_name=house.lookup("../outside")
    )
    sentences = {
        "house_empty": f"house_empty cannot be read, because the lookup plugin 'hearth.llm.secret' failed: The secret {house.secrets}/empty is empty.",
        "house_wrong": "house_wrong cannot be read, because 'nothing' is undefined.",
        "house_name": "'../outside' is no name for a secret",
        "house_typo": "variables names house_typo, which is not defined: define it, or take it away.",
    }
    go_on = {"name": "Say why", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
    tasks = [{"name": f"Try {name}", "block": [house.make("house_key", name)], "rescue": [go_on]} for name in sentences]
    words = house.run(tasks=tasks).words
    for sentence in sentences.values():
        assert sentence in words
    assert f"rescued={len(sentences)}" in words
    assert set(house.texts()) == {"empty"}


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_where_others_may_write_nothing_is_made_and_a_dry_run_says_so(house: House, option: str) -> None:
    house.secrets.mkdir()
    house.secrets.chmod(0o777)
    refused = house.run(option, tasks=[house.make("house_key")], succeeds=False)
    assert f"No secret is made in {house.secrets}: others may write to it (mode 0777)" in refused.words
    assert house.texts() == {}


@pytest.mark.parametrize(
    ("role", "variables", "sentence"),
    [
        (
            "gateway",
            {"gateway_models": {"chat": {"addresses": ["127.0.0.1:9"]}}, "gateway_comment_seconds": 9999},
            "gateway_comment_seconds is 9999: use 1 to 3600 seconds",
        ),
        ("valkey", {}, "was deployed with another password (valkey)"),
    ],
)
def test_a_role_by_itself_makes_nothing_before_all_is_judged(
    playbook: Runner, tmp_path: Path, role: str, variables: dict[str, Any], sentence: str
) -> None:
    left = tmp_path / "host/services/valkey/current/users.acl"
    left.parent.mkdir(parents=True)
    left.write_text(f"user default on #{'e' * 64} ~* &* +@all")
    given = {
        "hearth_directory": str(tmp_path / "host"),
        "hearth_runtime": "process" if role == "gateway" else "docker",
        "hearth_secrets_directory": str(tmp_path / "secrets"),
        **variables,
    }
    play = {
        "name": "Alone",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": given,
        "roles": [f"hearth.llm.{role}"],
    }
    refused = playbook([play], succeeds=False)
    assert sentence in refused.words
    assert refused.changed == 0
    assert not (tmp_path / "secrets").exists()
