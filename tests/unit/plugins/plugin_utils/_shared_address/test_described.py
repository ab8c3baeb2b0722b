# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._shared_address.described import findings

GROUPS = {"all": ["one", "two", "engine"], "hearth_gateways": ["one", "two"], "hearth_engines": ["engine"]}
EVERYBODY: dict[str, dict[str, Any]] = {
    "one": {"ansible_host": "192.0.2.1", "hearth_shared_address": "192.0.2.10/24", "hearth_domain": "llm.example.com"},
    "two": {
        "ansible_host": "192.0.2.2",
        "hearth_shared_address": "192.0.2.10/24",
        "hearth_domain": "llm.example.com",
        "hearth_port": 443,
    },
    "engine": {"ansible_host": "192.0.2.3", "hearth_private_address": "10.212.0.3"},
}


def found(groups: dict[str, list[str]] = GROUPS, host: str = "one", **changes: dict[str, Any]) -> list[str]:
    said = {name: {**variables, **changes.get(name, {})} for name, variables in EVERYBODY.items()}
    return list(findings(groups, host, said[host], lambda other, variable: said[other].get(variable)))


def test_gateways_that_agree_have_no_findings_and_others_are_not_asked() -> None:
    assert found() == []
    # A default that is written down is the same.
    assert found(host="two") == []
    assert found(host="engine", engine={"hearth_shared_address": "192.0.2.3/24"}) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"two": {"hearth_shared_address": None}},
            (
                "hearth_shared_address is 192.0.2.10/24 of one and not described of two, and gateways that share an address have the same: "
                "write it once, in the variables of the group hearth_gateways or all."
            ),
        ),
        ({"two": {"hearth_port": 8443}}, "hearth_port is 443 of one and 8443 of two"),
        (
            {"two": {"hearth_domain": "two.example.com"}},
            "hearth_domain is llm.example.com of one and two.example.com of two",
        ),
        (
            {"engine": {"ansible_host": "192.0.2.10"}},
            "hearth_shared_address is 192.0.2.10/24, which is engine's own address: write one that no host has.",
        ),
    ],
)
def test_what_gateways_do_not_agree_on_is_found(changes: dict[str, Any], sentence: str) -> None:
    (finding,) = found(**changes)
    assert finding.startswith(sentence)


def test_one_gateway_alone_shares_nothing() -> None:
    (finding,) = found({**GROUPS, "hearth_gateways": ["one"]})
    assert finding == (
        "hearth_shared_address is 192.0.2.10/24, and one is the only gateway: take it away, or name another host in hearth_gateways."
    )
