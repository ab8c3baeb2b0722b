# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts are for, by the groups that an inventory names and by those that it does not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.filter.hosts_for import NOBODY, hosts_for
from ansible_collections.hearth.llm.plugins.module_utils._description import VARIABLES
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology

ALL = ["a", "b", "laptop", "pc", "worker"]
SPARE: dict[str, Any] = {
    "all": ALL,
    "hearth_clients": ["laptop"],
    "hearth_windows": ["pc"],
    "hearth_rpc_workers": ["worker"],
}

CASES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"all": ["a"]}, "gateways", ["a"]),
    ({"all": ["a"]}, "engines", ["a"]),
    ({"all": ["a"]}, "frontends", ["a"]),
    ({"all": ["a"]}, "servers", ["a"]),
    ({"all": ["a"]}, "clients", NOBODY),
    ({"all": []}, "servers", NOBODY),
    ({"all": ["laptop"], "hearth_clients": ["laptop"]}, "servers", NOBODY),
    (SPARE, "servers", ["a", "b"]),
    (SPARE, "engines", ["a", "b"]),
    (SPARE, "clients", ["laptop"]),
    (SPARE, "windows", ["pc"]),
    (SPARE, "rpc_workers", ["worker"]),
    (SPARE, "heads", ["a", "b"]),
    ({"all": ["a", "b"]}, "heads", NOBODY),
    ({**SPARE, "hearth_gateways": ["b"]}, "frontends", ["b"]),
    ({**SPARE, "hearth_gateways": ["b"]}, "engines", ["a", "b"]),
    ({**SPARE, "hearth_gateways": ["b"], "hearth_engines": ["a"]}, "servers", ["a", "b"]),
    ({**SPARE, "hearth_gateways": ["b"], "hearth_frontend_hosts": ["a"]}, "frontends", ["a"]),
    (SPARE, "connected", ["a", "b", "worker"]),
    # Each of two has a gateway and an engine of its own; with a worker, or an engine by itself, they need each other.
    ({"all": ["a", "b"]}, "apart", NOBODY),
    ({"all": ["a"]}, "apart", NOBODY),
    (SPARE, "apart", ["a", "b", "worker"]),
    ({"all": ["a", "b"], "hearth_gateways": ["b"]}, "apart", ["a", "b"]),
    # A group that is written down and empty says no more than one that is not.
    ({**SPARE, "hearth_engines": []}, "engines", ["a", "b"]),
    # A worker that is an engine, too, was named as one.
    ({**SPARE, "hearth_engines": ["worker", "a"]}, "engines", ["a", "worker"]),
    # Whatever else is wrong, a client is never changed.
    ({**SPARE, "hearth_engines": ["laptop", "a"]}, "engines", ["a"]),
    ({**SPARE, "hearth_engines": ["laptop"], "hearth_gateways": ["laptop"]}, "servers", NOBODY),
    ({"all": ["a", "pc"], "hearth_windows": ["pc"], "hearth_not_there": ["a"]}, "gateways", NOBODY),
    ({"all": ["a", "pc"], "hearth_windows": ["pc"], "hearth_not_there": ["a"]}, "windows", ["pc"]),
]


@pytest.mark.parametrize(("groups", "purpose", "hosts"), CASES)
def test_a_purpose_has_the_hosts_that_are_named_or_else_those_that_are_no_clients(
    groups: dict[str, Any], purpose: str, hosts: list[str]
) -> None:
    assert hosts_for(groups, purpose) == hosts


def test_a_purpose_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        AnsibleFilterError, match="'engine', which is no purpose of a host: write one of gateways, engines"
    ):
        hosts_for({"all": ["a"]}, "engine")


def test_no_group_is_called_like_a_variable() -> None:
    assert not set(_topology.GROUPS) & VARIABLES.keys()


FINDINGS: list[tuple[dict[str, list[str]], str]] = [
    (
        {"hearth_clients": ["x"], "hearth_engines": ["x"]},
        "x is in hearth_clients and in hearth_engines, and a client is never changed but for its trust: take it out of one of them.",
    ),
    (
        {"hearth_windows": ["x"], "hearth_gateways": ["x"], "hearth_rpc_workers": ["x"]},
        "x is in hearth_windows and in hearth_gateways and hearth_rpc_workers, and Windows serves nothing: take it out of one of them.",
    ),
    (
        {"hearth_client": ["x"]},
        "hearth_client, a group of x, is no group that is known here: write hearth_clients, or rename it.",
    ),
    ({"hearth_frontends": ["x"]}, "write hearth_frontend_hosts, or rename it."),
    ({"hearth_engines": ["x"], "hearth_gateways": ["y"]}, "x is an engine and no gateway, "),
    ({"hearth_engines": ["y"], "hearth_gateways": ["x"]}, "x is a gateway and no engine, "),
    (
        {"hearth_engines": ["y"]},
        "x is a gateway and no engine, and has no address at which only hosts of the service reach each other: ",
    ),
    (
        {"hearth_engines": ["y"], "hearth_gateways": ["y"], "hearth_frontend_hosts": ["x"]},
        "x is for frontends and no gateway, ",
    ),
    ({"hearth_rpc_workers": ["x"]}, "x lends memory over RPC, which has no passwords and no encryption, "),
]


@pytest.mark.parametrize(("groups", "sentence"), FINDINGS)
def test_groups_that_contradict_each_other_are_found(groups: dict[str, list[str]], sentence: str) -> None:
    (found,) = _topology.findings({"all": ["x", "y"], **groups}, "x")
    assert sentence in found


@pytest.mark.parametrize(
    "groups",
    [
        {},
        {"hearth_clients": ["x"]},
        {"hearth_clients": ["x"], "hearth_windows": ["x"]},
        {"hearth_engines": ["x", "y"], "hearth_gateways": ["x", "y"]},
        {"hearth_engines": ["y"], "hearth_gateways": ["y"]},
        {"hearth_production": ["x"], "web": ["x"]},
    ],
)
def test_groups_that_make_sense_are_not(groups: dict[str, list[str]]) -> None:
    assert not list(_topology.findings({"all": ["x", "y"], **groups}, "x"))


def test_a_worker_that_others_reach_by_a_network_of_their_own_makes_sense() -> None:
    assert not list(_topology.findings({"all": ["x", "y"], "hearth_rpc_workers": ["x"]}, "x", is_private=True))
    # Everything on one host has no others.
    assert not list(_topology.findings({"all": ["x"], **dict.fromkeys(_topology.CONNECTED, "x")}, "x"))
