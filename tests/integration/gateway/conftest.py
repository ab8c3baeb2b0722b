# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One gateway, a real HAProxy under the provider process, in front of engines that do what a test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.engine import Engine
from integration.conftest import Runner
from integration.gateway.description import LIMITED_KEY, Gateway, eventually
from lab import packages


@pytest.fixture(scope="session")
def engines() -> Iterator[tuple[Engine, Engine]]:
    with Engine() as alpha, Engine() as beta:
        yield alpha, beta


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, engines: tuple[Engine, Engine]) -> Iterator[Gateway]:
    packages.provide("haproxy")
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), Runner(tmp_path_factory.mktemp("playbook")), *engines)
    dry = gateway.describe("--check", "--diff")
    assert not (gateway.directory / "h").exists(), "a dry run wrote something on the host"
    assert not (gateway.directory / "secrets").exists(), "a dry run wrote something on the controller"
    assert LIMITED_KEY not in dry.words
    gateway.describe()
    yield gateway
    counted = gateway.directory / "h/gateway_usage"
    had_counted = any(counted.iterdir())
    gateway.describe(gateway_state="absent")
    assert any(counted.iterdir()) == had_counted, "what was counted went with the gateway"


@pytest.fixture
def gateway(running: Gateway, engines: tuple[Engine, Engine]) -> Gateway:
    for engine in engines:
        engine.go.set()
    eventually(lambda: sum(engine.running for engine in engines) == 0, "the engines rest")
    # What is counted of who has hung up belongs to the test before.
    eventually(lambda: running.rests, "the gateway rests")
    for engine in engines:
        engine.forget()
    return running


@pytest.fixture
def as_it_was(running: Gateway) -> Iterator[None]:
    """For a test that describes it otherwise: if that fails, no other test does for it."""
    yield
    running.describe()


@pytest.fixture
def alpha(engines: tuple[Engine, Engine]) -> Engine:
    return engines[0]


@pytest.fixture
def beta(engines: tuple[Engine, Engine]) -> Engine:
    return engines[1]
