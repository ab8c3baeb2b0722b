# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not go with a model that is split over the GPUs of several hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._description.surroundings import Surroundings

LARGE = {"source": "hf://owner/large", "engine": "vllm", "nodes": ["gpu1", "gpu2"]}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"hosts": ["gpu1"]}, "has both nodes and hosts, and each of hosts would have the whole model: keep one."),
        (
            {"instances": {"max": 2}},
            "has both nodes and instances, and one model over several hosts is one instance: keep one.",
        ),
        ({"rpc": ["gpu1"]}, "has both nodes and rpc, and rpc splits a model of llama.cpp: keep one."),
        ({"load": "first_request"}, "a model with nodes is fetched on each of them before it is loaded: write startup"),
        (
            {"engine": "llama_cpp"},
            ".nodes splits it over the GPUs of several hosts, and llama.cpp does not do that: write engine: vllm, or take nodes away.",
        ),
        ({"nodes": ["gpu1", "gpu2", "gpu1"]}, ".nodes names gpu1 twice: keep one."),
        ({"options": {"nnodes": 2}}, ".options.nnodes is not for options, because it follows from nodes"),
        (
            {"options": {"distributed-executor-backend": "ray"}},
            "vLLM splits a model over nodes by itself with mp alone: take it away.",
        ),
    ],
)
def test_what_does_not_go_with_nodes_is_said_with_the_remedy(said: dict[str, Any], sentence: str) -> None:
    findings = list(_description.findings({"hearth_models": {"large": {**LARGE, **said}}}, Surroundings()))
    assert any(sentence in finding for finding in findings), findings
    assert all(finding.startswith(("hearth_models.large", "hearth_models: ")) for finding in findings)


def test_nodes_alone_are_right() -> None:
    assert not list(_description.findings({"hearth_models": {"large": LARGE}}, Surroundings()))
