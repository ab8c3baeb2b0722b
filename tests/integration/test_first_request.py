# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that come on their first request: a real engine, a real HAProxy, and a hub that does what a test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.hub import Hub
from integration.conftest import Runner
from integration.first_request import MODEL_BYTES, Host
from lab import packages

FIRST = {"load": "first_request"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[Host]:
    packages.provide("haproxy", "libgomp.so.1")
    directory = tmp_path_factory.mktemp("first")
    with Hub(directory / "hub") as hub:
        described = Host(directory, module_playbook, hub)
        described.publish("here", "alpha", "beta", "gamma", "delta")
        yield described
        described.remove()


def test_a_model_is_fetched_once_by_those_who_ask_first(host: Host) -> None:
    described = {"here": {}, "alpha": FIRST}
    host.describe(described)
    assert host.is_there("here")
    assert not host.is_there("alpha")
    assert host.hub.sent("cdn:o/alpha/*") == 0
    answers = [host.asking("alpha") for _number in range(2)]
    assert [one.answer.said for one in answers] == ["I am alpha."] * 2
    assert host.hub.sent("cdn:o/alpha/*") == MODEL_BYTES
    assert host.describe(described).changed == 0
