# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host serves which model, and what is wrong with the hosts that a description names."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._placement import findings, hosts_of, models_on

MODELS: dict[str, Any] = {
    "everywhere": {},
    "one": {"hosts": ["gpu1"]},
    "both": {"hosts": ["gpu2", "gpu1"]},
    "text": {"hosts": "gpu2"},
}
FLEET = {
    "all": ["door", "gpu1", "gpu2", "laptop"],
    "hearth_gateways": ["door"],
    "hearth_engines": ["gpu1", "gpu2"],
    "hearth_clients": ["laptop"],
}


def test_a_host_serves_what_names_it_and_what_names_nobody() -> None:
    assert list(models_on(MODELS, "gpu1")) == ["everywhere", "one", "both"]
    assert list(models_on(MODELS, "gpu2")) == ["everywhere", "both", "text"]
    assert models_on("nothing that is described", "gpu1") == {}


def test_hosts_of_a_model_come_in_the_order_of_the_inventory() -> None:
    assert [hosts_of(model, ["gpu1", "gpu2"]) for model in MODELS.values()] == [
        ["gpu1", "gpu2"],
        ["gpu1"],
        ["gpu1", "gpu2"],
        ["gpu2"],
    ]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"hosts": ["gup1"]}, "hearth_models.chat.hosts names 'gup1', and the inventory has no such host: write gpu1."),
        (
            {"hosts": ["attic"]},
            "hearth_models.chat.hosts names 'attic', and the inventory has no such host: name one of gpu1, gpu2.",
        ),
        (
            {"hosts": ["gpu1", "laptop"]},
            "hearth_models.chat.hosts names 'laptop', which is no engine: name it in hearth_engines, too, or take it out of hosts.",
        ),
        (
            {"load": "first_request"},
            "is 'first_request', and gpu1, gpu2 would serve it: such a model is fetched and served by the host of the only gateway (door).",
        ),
        ({"load": "first_request", "hosts": ["gpu1"]}, "and gpu1 would serve it"),
    ],
)
def test_hosts_that_cannot_serve_are_found(model: dict[str, Any], sentence: str) -> None:
    (found,) = findings(FLEET, {"chat": model, "good": {"hosts": ["gpu1", "gpu2"]}})
    assert sentence in found


def test_one_host_for_everything_has_no_findings() -> None:
    assert not list(findings({"all": ["llm"]}, {"chat": {"load": "first_request"}, "other": {"hosts": ["llm"]}}))


APART = {"all": ["door", "gpu1"], "hearth_gateways": ["door"], "hearth_engines": ["gpu1"]}


def test_an_engine_apart_wants_a_private_address_and_containers() -> None:
    (found,) = _topology.findings(APART, "gpu1")
    assert found.startswith(
        "gpu1 is an engine and no gateway, and has no address at which only hosts of the service reach each other: take hearth_private_network: none away"
    )
    assert not list(_topology.findings(APART, "gpu1", is_private=True))
    assert not list(_topology.findings(APART, "door", is_private=True, runtime="process"))
    (found,) = _topology.findings(APART, "gpu1", is_private=True, runtime="process")
    assert "in which engines listen for their own host alone: write hearth_runtime: docker" in found
