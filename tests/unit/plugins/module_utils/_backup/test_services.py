# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on data that is replaced is stopped before. Docker's words are those that its command line writes to stderr (`docker inspect`, `docker stop`)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._backup import services
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    return cast(Any, SimpleNamespace(runtime="docker", directory=str(tmp_path / "h")))


def docker(directory: Path, monkeypatch: pytest.MonkeyPatch, **verbs: str) -> Path:
    """A command of that name: what it is asked stands in a file, and each verb ends as it is told."""
    asked = directory / "asked"
    cases = "".join(f"{verb}) {script};;\n" for verb, script in verbs.items())
    program = directory / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\ncase $1 in\n{cases}esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return asked


def test_a_container_that_is_there_is_stopped(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = docker(tmp_path, monkeypatch, inspect="echo '[]'", stop="echo hearth-open_webui")
    services.stop(settings, "open_webui")
    assert asked.read_text() == "inspect hearth-open_webui\nstop hearth-open_webui\n"


def test_one_that_is_not_there_does_not_run(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = docker(
        tmp_path, monkeypatch, inspect="echo '[]'; echo 'Error: No such object: hearth-open_webui' >&2; exit 1"
    )
    services.stop(settings, "open_webui")
    assert asked.read_text() == "inspect hearth-open_webui\n"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    services.stop(settings, "open_webui")
    settings.runtime = "process"
    services.stop(settings, "open_webui")


@pytest.mark.parametrize(
    ("verbs", "said"),
    [
        (
            {"inspect": "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"},
            "Docker does not say whether hearth-open_webui runs: Cannot connect to the Docker daemon",
        ),
        (
            {"inspect": "echo '[]'", "stop": "echo 'permission denied' >&2; exit 1"},
            "hearth-open_webui cannot be stopped, so its data was not replaced: permission denied",
        ),
    ],
)
def test_where_it_may_still_run_nothing_is_replaced(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, verbs: dict[str, str], said: str
) -> None:
    docker(tmp_path, monkeypatch, **verbs)
    with pytest.raises(HearthError) as raised:
        services.stop(settings, "open_webui")
    assert said in raised.value.message
