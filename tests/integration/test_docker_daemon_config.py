# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module docker_daemon_config, as a playbook sees it, on a file of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OURS = {"ip": "127.0.0.1", "log-opts": {"max-size": "10m"}, "debug": None}
THEIRS = {"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}, "log-opts": {"env": "STAGE"}, "debug": True}


@pytest.fixture
def daemon_json(tmp_path: Path) -> Path:
    path = tmp_path / "docker/daemon.json"
    path.parent.mkdir()
    return path


@pytest.fixture
def configure(playbook: Callable[..., Any], daemon_json: Path) -> Callable[..., Any]:
    def run(*options: str, succeeds: bool = True, **arguments: Any) -> Any:
        asked = {"settings": OURS, "path": str(daemon_json), "pid_file": "/nonexistent"}
        task = {"name": "Configure Docker", "hearth.llm.docker_daemon_config": {**asked, **arguments}}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        return playbook([play], *options, succeeds=succeeds)

    return run


def test_a_dry_run_a_run_and_another_run(configure: Callable[..., Any], daemon_json: Path) -> None:
    daemon_json.write_text(json.dumps(THEIRS, indent=2) + "\n")
    dry = configure("--check", "--diff")
    assert dry.changed == 1
    assert '+ "ip": "127.0.0.1"' in dry.words
    assert json.loads(daemon_json.read_text()) == THEIRS
    assert configure("--diff").changed == 1
    assert json.loads(daemon_json.read_text()) == {
        "runtimes": THEIRS["runtimes"],
        "log-opts": {"env": "STAGE", "max-size": "10m"},
        "ip": "127.0.0.1",
    }
    assert configure().changed == 0


def test_a_host_without_docker_gets_the_file_and_its_directory(
    configure: Callable[..., Any], daemon_json: Path
) -> None:
    daemon_json.parent.rmdir()
    assert configure("--check").changed == 1
    assert not daemon_json.parent.exists()
    assert configure().changed == 1
    assert json.loads(daemon_json.read_text()) == {"ip": "127.0.0.1", "log-opts": {"max-size": "10m"}}


def test_a_broken_file_is_one_clear_sentence(configure: Callable[..., Any], daemon_json: Path) -> None:
    daemon_json.write_text('{\n  "debug": true,,\n}\n')
    outcome = configure(succeeds=False)
    assert f"{daemon_json} is not valid JSON:" in outcome.words
    assert "in line 2, column 17. Correct it, or move it away; it was left as it is." in outcome.words
    assert daemon_json.read_text() == '{\n  "debug": true,,\n}\n'
