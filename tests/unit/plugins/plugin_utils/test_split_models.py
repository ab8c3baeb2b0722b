# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the workers that models name, and with those who would be their heads."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._split_models import are_there, findings, of_others

GROUPS = {
    "all": ["head", "other", "big-pc", "gpu-pc", "laptop"],
    "hearth_gateways": ["head"],
    "hearth_engines": ["head"],
    "hearth_rpc_workers": ["big-pc", "gpu-pc"],
}
TWO_ENGINES = {**GROUPS, "hearth_engines": ["head", "other"]}


def found(model: dict[str, Any], groups: dict[str, list[str]] = GROUPS) -> list[str]:
    return list(findings(groups, {"large": model, "small": {}}))


@pytest.mark.parametrize(
    ("rpc", "sentence"),
    [
        (["big_pc"], "hearth_models.large.rpc names 'big_pc', and the inventory has no such host: write big-pc."),
        (["attic"], "names 'attic', and the inventory has no such host: name one of big-pc, gpu-pc."),
        # gpu-pc is named already.
        (["gpu-pc", "gpu-pc2"], "names 'gpu-pc2', and the inventory has no such host: write big-pc."),
        (["laptop"], "names 'laptop', which is no worker: name it in hearth_rpc_workers, too, or take it out of rpc."),
    ],
)
def test_a_name_that_is_no_worker_is_found(rpc: list[str], sentence: str) -> None:
    (said,) = found({"rpc": rpc})
    assert sentence in said


def test_a_worker_that_was_taken_out_of_its_group_is_found_while_a_model_names_it() -> None:
    without = {name: hosts for name, hosts in GROUPS.items() if name != "hearth_rpc_workers"}
    said = found({"rpc": ["big-pc", "gone"]}, without)
    assert said[0].startswith("hearth_models.large.rpc names 'big-pc', which is no worker")
    assert said[1].endswith("and the inventory has no such host: name the host in hearth_rpc_workers.")


def test_a_worker_serves_one_head_and_no_head_its_own_host() -> None:
    assert found({"rpc": ["big-pc", "gpu-pc"]}) == found({}) == found({"rpc": "no list"}) == []
    (said,) = found({"rpc": ["big-pc"]}, TWO_ENGINES)
    assert "is split over big-pc, and head, other would each be its head" in said
    assert found({"rpc": ["big-pc"], "hosts": ["other"]}, TWO_ENGINES) == []
    (said,) = found({"rpc": ["head"]}, {**GROUPS, "hearth_rpc_workers": ["head", "big-pc"]})
    assert said.startswith("hearth_models.large.rpc names head, whose memory and GPUs the model has already")


def test_what_another_engine_has_over_the_same_worker_is_found() -> None:
    mine = {"large": {"rpc": ["big-pc"], "hosts": ["head"]}}
    assert are_there(mine)
    assert not are_there({"small": {}})
    (said,) = of_others("head", mine, {"other": {"wide": {"rpc": ["gpu-pc", "big-pc"]}}})
    assert said.startswith("hearth_models.large is split over big-pc, and so is hearth_models.wide of other")
    # The same description, read from another host, and what is not for that host.
    assert not list(of_others("head", mine, {"other": mine}))
    assert not list(of_others("head", mine, {"other": {"wide": {"rpc": ["big-pc"], "hosts": ["head"]}}, "x": None}))
