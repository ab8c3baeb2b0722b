# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role preflight on this very machine: everything at once, in words and as JSON."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PEBIBYTE = 1 << 50
LISTENER = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def held(port: int, directory: Path) -> Iterator[None]:
    """Somebody who runs from a directory holds the port."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(port)],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        yield
        process.kill()


@pytest.fixture
def preflight(playbook: Callable[..., Any], tmp_path: Path, port: int) -> Callable[..., Any]:
    """Runs the role for a directory of this test's own, and a port that was free a moment ago."""

    def run(*options: str, succeeds: bool = True, **variables: Any) -> Any:
        asked = {
            "preflight_runtime": "process",
            "preflight_directory": str(tmp_path / "hearth"),
            "preflight_ports": [{"address": "127.0.0.1", "port": port, "purpose": "gateway"}],
            "preflight_cpu_cores": 1,
        }
        if "gateway_metrics_port" in variables:
            # What the description says, and no list of the test's own.
            del asked["preflight_ports"]
        role = {
            "name": "Look at this machine",
            "ansible.builtin.include_role": {"name": "hearth.llm.preflight"},
            "vars": {**asked, **variables},
        }
        return playbook([{"hosts": "localhost", "gather_facts": False, "tasks": [role]}], *options, succeeds=succeeds)

    return run


@pytest.mark.parametrize("options", [(), ("--check", "--diff")])
def test_all_obstacles_are_shown_in_one_run_and_the_play_stops(
    preflight: Callable[..., Any], port: int, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with held(port, tmp_path):
        outcome = preflight(
            *options,
            succeeds=False,
            preflight_memory_bytes=PEBIBYTE,
            preflight_disk=[{"path": str(tmp_path / "models"), "bytes": PEBIBYTE}],
        )
    assert f"127.0.0.1:{port} for the gateway is held by python" in outcome.words
    assert "1024.0 TiB are wanted: add memory" in outcome.words
    assert f"{tmp_path}/models wants 1024.0 TiB" in outcome.words
    obstacles = f"memory, disk:{tmp_path}/models, port:127.0.0.1:{port}"
    assert (
        f"localhost is not ready because of {obstacles}. The table above says what to do about each." in outcome.words
    )
    assert outcome.output.count("1024.0 TiB are wanted") == 1


def test_a_host_that_serves_already_is_no_worse_than_an_empty_one(
    preflight: Callable[..., Any], port: int, tmp_path: Path
) -> None:
    service = tmp_path / "hearth/services/gateway"
    service.mkdir(parents=True)
    with held(port, service):
        outcome = preflight()
    assert outcome.changed == 0
    assert f"127.0.0.1:{port} for the gateway is held by our own python" in outcome.words


def test_every_port_of_the_description_is_asked_for_and_another_installation_is_named(
    preflight: Callable[..., Any], port: int, tmp_path: Path
) -> None:
    other = tmp_path / "other/services/gateway"
    other.mkdir(parents=True)
    with held(port, other), socket.create_server(("127.0.0.1", 0)) as page:
        pages = page.getsockname()[1]
        outcome = preflight(
            succeeds=False,
            hearth_frontends={"open_webui": {}},
            hearth_port=1025,
            gateway_metrics_port=port,
            open_webui_port=pages,
        )
    assert (
        f"of another installation, {tmp_path}/other: stop that, or set gateway_metrics_port to another port"
        in outcome.words
    )
    assert f"127.0.0.1:{pages} for the pages of Open WebUI is held by" in outcome.words
    assert "or set open_webui_port to another port" in outcome.words
    assert f"because of port:127.0.0.1:{port}, port:127.0.0.1:{pages}." in outcome.words


def test_the_findings_are_written_for_programs_also_in_a_dry_run_and_on_failure(
    preflight: Callable[..., Any], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    outcome = preflight("--check", succeeds=False, preflight_memory_bytes=PEBIBYTE, preflight_report_path=str(report))
    findings = json.loads(report.read_text())
    assert outcome.changed == 0
    assert (findings["host"], findings["verdict"], findings["counts"]["error"]) == ("localhost", "error", 1)
    assert findings["findings"][0]["id"] == "memory"
    assert findings["findings"][0]["data"]["wanted_bytes"] == PEBIBYTE


@pytest.mark.parametrize(("fail_on", "succeeds"), [("error", True), ("warning", False), ("never", True)])
def test_the_user_decides_from_which_severity_on_the_play_stops(
    preflight: Callable[..., Any], fail_on: str, succeeds: bool
) -> None:
    # Nobody has so many cores: a warning, not an error.
    outcome = preflight(preflight_cpu_cores=1 << 20, preflight_fail_on=fail_on, succeeds=succeeds)
    assert "answers will be slow" in outcome.words


def test_a_wrong_requirement_is_refused_before_anything_is_looked_at(preflight: Callable[..., Any]) -> None:
    outcome = preflight(preflight_disk=[{"path": "/var/lib/hearth", "byte": 1}], succeeds=False)
    assert "byte" in outcome.words
    assert "Supported parameters include: bytes, path" in outcome.words
