# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster has none of, and what it needs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _description

CHAT: dict[str, Any] = {"source": "hf://owner/repository/chat.gguf", "pod": {"cpus": 8, "memory": "16GiB"}}
GOOD: dict[str, Any] = {
    "hearth_models": {"chat": CHAT},
    "hearth_runtime": "kubernetes",
    "hearth_kubernetes": {"storage": "100G"},
}


def findings(**changes: Any) -> list[str]:
    described = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return list(_description.findings(described, _description.Surroundings(), described))


def test_a_description_of_a_cluster_is_right() -> None:
    assert findings() == []


def test_what_pods_get_is_nothing_to_a_host() -> None:
    assert findings(hearth_runtime="docker", hearth_kubernetes=None) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hearth_kubernetes": None}, "hearth_kubernetes is missing"),
        ({"hearth_runtime": None}, "write hearth_runtime: kubernetes, or take it away"),
        ({"hearth_models": {"chat": {"source": CHAT["source"]}}}, "hearth_models.chat has no pod"),
        ({"hearth_models": {"chat": {**CHAT, "source": "file:///srv/a.gguf"}}}, "is a file of a host"),
        ({"hearth_models": {"chat": {**CHAT, "gpus": ["nvidia.com/gpu=0"]}}}, "hearth_models.chat.gpus is described"),
        ({"hearth_models": {"chat": {**CHAT, "load": "on_demand"}}}, "each pod has its model from the start"),
        ({"hearth_models": {"chat": {**CHAT, "load": "first_request"}}}, "has its models before it starts"),
        (
            {"hearth_models": {"chat": {**CHAT, "instances": {"min": 0, "max": 2}}}},
            "would wake a model that has no pod",
        ),
        ({"hearth_models": {"chat": {**CHAT, "engine": "vllm"}}}, "in clusters vLLM is not run yet"),
        ({"hearth_frontends": {"open_webui": {"domain": "chat.example.com"}}}, "frontends run on hosts"),
        ({"hearth_api_keys": [{"name": "a", "tokens_per_day": 9}]}, "hearth_api_keys[a].tokens_per_day is counted on"),
        ({"hearth_tls": {"source": "acme", "acme": {"terms_agreed": True}}}, "no host answers the server's challenge"),
        ({"hearth_kubernetes": {"storage": "1G", "node_port": 30443}}, "write exposure: node_port, or take it away"),
        ({"hearth_kubernetes": {"storage": "1G", "annotations": {"a": "b"}}}, "which is told nothing"),
        (
            {"hearth_models": {"chat": CHAT, "b": {**CHAT, "pod": {"cpus": 1, "memory": "1G", "spot": True}}}},
            "write spot for all or for none",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_what_to_write(changes: dict[str, Any], said: str) -> None:
    assert [finding for finding in findings(**changes) if said in finding], findings(**changes)
