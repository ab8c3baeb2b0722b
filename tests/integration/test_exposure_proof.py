# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module exposure_proof, as a playbook sees it, on doors of the test's own."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.certificate import make
from fakes.door import Door
from integration.conftest import Outcome, Runner

ENGINE_OPEN = {"/v1/models": 200}
KEY = "sk-hearth-a-key-that-must-not-be-seen"


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return make(tmp_path, "llm.example")


@pytest.fixture
def listener() -> Iterator[int]:
    """Something that says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def prove(playbook: Runner, pem: Path) -> Callable[..., Outcome]:
    def run(*options: str, succeeds: bool = True, **arguments: Any) -> Outcome:
        given = {
            "target": "llm.example",
            "addresses": ["127.0.0.1"],
            "ca_path": str(pem),
            "model": "alpha",
            "api_key": KEY,
        }
        tasks = [
            {"name": "Prove", "hearth.llm.exposure_proof": {**given, **arguments}, "register": "proof"},
            {"name": "Show", "ansible.builtin.debug": {"var": "proof"}},
        ]
        return playbook([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], *options, succeeds=succeeds)

    return run


def test_what_is_as_declared_is_proven_and_told(prove: Callable[..., Outcome], pem: Path, listener: int) -> None:
    report = pem.parent / "report.json"
    with Door(pem, key=KEY) as door, Door(pem) as site:
        outcome = prove(
            open_ports=[door.port, site.port],
            tolerated_ports=[listener],
            scan_ports=[str(door.port), str(listener)],
            url=f"https://llm.example:{door.port}/v1",
            sites=[{"url": f"https://llm.example:{site.port}"}],
            report_path=str(report),
        )
    assert outcome.changed == 0
    assert "Exactly what is declared answers." in outcome.words
    assert KEY not in outcome.output
    result = json.loads(report.read_text())
    assert (result["proven"], result["findings"]) == (True, [])
    assert result["services"]["127.0.0.1"][str(listener)] == "something that neither greets nor speaks HTTP or TLS"
    assert [entry["paths_asked"] for entry in result["doors"]] == [True, True]
    assert 89 < result["doors"][0]["certificate_days_left"] < 91


def test_everything_that_is_not_is_named_at_once_and_a_dry_run_does_not_fail(
    prove: Callable[..., Outcome], pem: Path, listener: int
) -> None:
    careless = {"/v1/models": 200, "/v1/chat/completions": 200, "/slots": 200, "/v1/../slots": 200, "/docs": 500}
    with Door(pem, careless, KEY) as door, Door(pem, {"/api/env-dump": 200}) as site, Door(None, ENGINE_OPEN) as engine:
        arguments: dict[str, Any] = {
            "open_ports": [door.port, site.port, 1],
            "scan_ports": [str(listener), str(engine.port)],
            "url": f"https://llm.example:{door.port}/v1",
            "sites": [{"url": f"https://llm.example:{site.port}"}],
            "certificate_days": 365,
        }
        outcome = prove(succeeds=False, **arguments)
        dry = prove("--check", **arguments)
    for sentence in (
        f"port {listener} at 127.0.0.1:{listener}: nobody declared it, and something that neither greets",
        f"port {engine.port} at 127.0.0.1:{engine.port}: nobody declared it, and an inference engine answers",
        "port 1 at 127.0.0.1:1: declared as open, it does not answer. Start what should listen there",
        f"GET /slots at https://llm.example:{door.port}/v1 at 127.0.0.1:{door.port}: it answered 200 instead of refusing",
        f"GET /v1/../slots at https://llm.example:{door.port}/v1",
        "GET /docs at",
        f"POST /v1/chat/completions at https://llm.example:{door.port}/v1 at 127.0.0.1:{door.port}: without a key it answered 200",
        "with a wrong key it answered 200 instead of 401. Put the gateway",
        f"GET /api/env-dump at https://llm.example:{site.port}",
        "the certificate for llm.example ends in 90 days. Renew it.",
    ):
        assert sentence in outcome.words, sentence
    assert KEY not in outcome.output
    assert "proven: false" in dry.words


def test_a_door_without_tls_is_named_and_the_metrics_of_a_host_are_recognized(
    prove: Callable[..., Outcome],
) -> None:
    with Door(None, {"/": 200}) as door, Door(None, {"/metrics": 200}) as exporter:
        outcome = prove(
            open_ports=[door.port, exporter.port],
            scan_ports=["1"],
            url=f"https://llm.example:{door.port}/v1",
            succeeds=False,
        )
        allowed = prove(open_ports=[exporter.port], plain_ports=[exporter.port], scan_ports=["1"])
    assert f"port {door.port} at 127.0.0.1:{door.port}: it answered 200 to HTTP without TLS" in outcome.words
    assert "does not speak TLS" in outcome.words
    assert "metrics over HTTP without TLS, status 404" in outcome.words
    assert "Exactly what is declared answers." in allowed.words


def test_a_description_that_makes_no_sense_is_refused_before_anything_is_asked(prove: Callable[..., Outcome]) -> None:
    for arguments, sentence in (
        ({"open_ports": [22], "url": "https://llm.example/v1"}, "443 is the port of a door and is not declared"),
        ({"open_ports": [443], "url": "http://llm.example:443/v1"}, "does not begin with https://"),
        ({"open_ports": [443], "url": "https://llm.example", "closed_paths": ["slots"]}, "'slots' is neither a path"),
        ({"open_ports": [22], "scan_ports": ["ssh"]}, "scan_ports: ssh is neither a port nor a range"),
    ):
        assert sentence in prove(succeeds=False, **arguments).words
