# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.engine_openings import engine_openings

HOST: dict[str, Any] = {
    "name": "gpu1",
    "runtime": "docker",
    "models": {"chat": {"instances": {"max": 2}}, "small": {}, "big": {"engine": "vllm"}},
    "ports": {"llama_cpp": 18080, "vllm": 18100},
}


def test_gateways_on_other_hosts_reach_each_router_and_each_engine_of_its_own() -> None:
    openings = engine_openings(HOST, ["door", "gpu1"])
    assert [opening["port"] for opening in openings[:2]] == [18080, 18081]
    assert 18100 <= openings[2]["port"] < 18200
    assert len(openings) == 3
    assert {tuple(opening["hosts"]) for opening in openings} == {("door",)}


def test_nobody_reaches_the_engines_of_a_host_with_its_own_gateway_alone() -> None:
    assert engine_openings(HOST, ["gpu1"]) == engine_openings({**HOST, "runtime": "process"}, ["door"]) == []
