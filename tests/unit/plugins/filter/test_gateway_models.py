# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.gateway_models import gateway_models
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import PATHS

MODELS: dict[str, dict[str, Any]] = {
    "big": {"source": "hf://o/r/f", "engine": "vllm", "slots": 8},
    "tiny": {"source": "hf://o/r/f", "task": "rerank"},
}


def test_in_containers_an_engine_is_known_by_its_name_in_the_network() -> None:
    models = gateway_models(MODELS, "docker", "/var/lib/hearth")
    assert models["big"] == {
        "addresses": ["vllm-big:8080"],
        "paths": list(PATHS["chat"]),
        "says_usage": False,
        "slots": 8,
    }
    assert models["tiny"] == {
        "addresses": ["llama_cpp:8080"],
        "paths": ["/v1/rerank"],
        "says_usage": True,
        "task": "rerank",
    }


def test_what_stands_for_a_name_that_no_host_or_file_can_have_is_reached() -> None:
    models = {"org/big": {"engine": "vllm", "aliases": ["big"], "default": True}, "phi3:mini": {}}
    docker, process = (gateway_models(models, runtime, "/srv") for runtime in ("docker", "process"))
    big = docker["org/big"]
    assert (big["addresses"], big["aliases"], big["default"]) == (["vllm-org-big-666bf9:8080"], ["big"], True)
    assert process["phi3:mini"]["addresses"] == ["unix@/srv/run/phi3-mini-fc2efc.sock"]


def test_as_processes_each_model_has_a_socket_of_its_own() -> None:
    assert gateway_models({"tiny": {}}, "process", "/srv/hearth")["tiny"]["addresses"] == [
        "unix@/srv/hearth/run/tiny.sock"
    ]
