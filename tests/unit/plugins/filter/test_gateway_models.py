# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
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


HOSTS: list[dict[str, Any]] = [
    {
        "name": "gpu1",
        "is_here": False,
        "runtime": "docker",
        "address": "10.212.0.7",
        "ports": {"llama_cpp": 18080, "vllm": 18100},
    },
    {
        "name": "door",
        "is_here": True,
        "runtime": "docker",
        "address": "10.212.0.1",
        "ports": {"llama_cpp": 18080, "vllm": 18100},
    },
]


def test_a_model_of_several_hosts_is_reached_at_each_of_them_and_as_the_gateways_own_host_describes_it() -> None:
    chat, both = {"slots": 2, "aliases": ["gpt"]}, {"slots": 8, "instances": {"max": 2}}
    hosts = [{**HOSTS[0], "models": {"chat": both, "far": {"engine": "vllm"}}}, {**HOSTS[1], "models": {"chat": chat}}]
    models = gateway_models({}, "docker", "/var/lib/hearth", hosts)
    assert list(models) == ["chat", "far"]
    told = {key: models["chat"][key] for key in ("addresses", "hosts", "slots", "slots_of_hosts", "aliases")}
    assert told == {
        "addresses": ["llama_cpp:8080", "10.212.0.7:18080", "10.212.0.7:18081"],
        "hosts": ["door", "gpu1", "gpu1"],
        "slots": 2,
        "slots_of_hosts": {"gpu1": 8},
        "aliases": ["gpt"],
    }
    assert models["far"]["hosts"] == ["gpu1"]
    assert re.fullmatch(r"10\.212\.0\.7:181\d\d", models["far"]["addresses"][0])


def test_an_engine_whose_address_nobody_knows_is_refused() -> None:
    with pytest.raises(
        AnsibleFilterError,
        match="gpu1 serves chat, and nobody knows its address in the private network: run it without --limit",
    ):
        gateway_models({}, "docker", "/var/lib/hearth", [{**HOSTS[0], "address": "", "models": {"chat": {}}}])
