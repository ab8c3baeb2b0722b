# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's description as the two files that OpenVINO Model Server reads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.gateway_models import gateway_models
from ansible_collections.hearth.llm.plugins.filter.openvino_places import openvino_places
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_options_check import check
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan

IMAGE = "docker.io/openvino/model_server:2026.4.0"
PLUGIN = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
COMPRESSED = "/var/lib/hearth/models/.compressed/chat@0f3a"


def plan(model: dict[str, Any], **given: Any) -> dict[str, Any]:
    return engine_plan(
        [{"name": "chat", **model}],
        "openvino",
        port=18500,
        paths={"chat": COMPRESSED},
        models_directory="/var/lib/hearth/models",
        fingerprints={"chat": "0f3a"},
        build=IMAGE,
        **given,
    )


def told(model: dict[str, Any], **given: Any) -> dict[str, Any]:
    options: dict[str, Any] = plan(model, **given)["given"]["chat"]
    return options


def files(planned: dict[str, Any]) -> dict[str, str]:
    return {file["path"]: file["content"] for file in planned["services"][0]["files"]}


def node(graph: str) -> dict[str, str]:
    """What the node is told, by name, as it is written."""
    inner = re.search(r"LLMCalculatorOptions\]: \{\n(.*?)\n    \}", graph, re.DOTALL)
    assert inner
    return dict(line.strip().rstrip(",").split(": ", 1) for line in inner.group(1).splitlines())


def test_a_description_becomes_options_of_the_node_and_the_models_own_win() -> None:
    model = {"slots": 4, "precision": "bf16", "kv_cache": {"precision": "u8", "gib": 4}}
    assert told(model) == {
        "cache-size": 4,
        "enable-prefix-caching": True,
        "max-num-seqs": 4,
        "plugin-config": {**PLUGIN, "INFERENCE_PRECISION_HINT": "bf16", "KV_CACHE_PRECISION": "u8"},
    }
    own = {"enable_prefix_caching": False, "plugin-config": {"PERFORMANCE_HINT": "THROUGHPUT"}}
    common = {"max-num-batched-tokens": 1024, "plugin_config": '{"NUM_STREAMS": "2"}'}
    assert told({"options": own}, options=common) == {
        "enable-prefix-caching": False,
        "max-num-batched-tokens": 1024,
        "max-num-seqs": 1,
        "plugin-config": {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": "2"},
    }


def test_what_was_planned_counts_where_the_description_says_nothing() -> None:
    assert told({})["max-num-seqs"] == 1
    assert files(plan({}, planned={"chat": {"cache-size": 3}}))["graph.pbtxt"].count("cache_size: 3") == 1


def test_the_server_reads_the_served_name_and_the_graph() -> None:
    written = files(plan({"slots": 2, "options": {"tool-parser": "hermes3", "chat-template-mode": "MINJA"}}))
    assert json.loads(written["config.json"]) == {
        "model_config_list": [],
        "mediapipe_config_list": [{"name": "chat", "graph_path": "graph.pbtxt"}],
    }
    assert written["fingerprint"] == "0f3a"
    graph = written["graph.pbtxt"]
    assert 'input_side_packet: "LLM_NODE_RESOURCES:llm"' in graph
    assert node(graph) == {
        "chat_template_mode": "MINJA",
        "enable_prefix_caching": "true",
        "max_num_seqs": "2",
        "models_path": '"/models/.compressed/chat@0f3a"',
        "plugin_config": json.dumps(json.dumps({"NUM_STREAMS": "1", "PERFORMANCE_HINT": "LATENCY"})),
        "tool_parser": '"hermes3"',
    }


def test_every_brace_of_the_graph_is_closed() -> None:
    graph = files(plan({}))["graph.pbtxt"]
    assert graph.count("{") == graph.count("}") > 8
    assert "{{" not in graph


def test_it_is_up_when_the_model_itself_is_ready_and_asked_where_its_api_begins() -> None:
    planned = plan({})
    service = planned["services"][0]
    port = planned["ports"]["chat"]
    assert service["name"] == "openvino-chat"
    assert service["health"] == {"url": f"http://127.0.0.1:{port}/v2/models/chat/ready", "timeout_seconds": 300}
    assert service["ports"] == [{"address": "127.0.0.1", "host": port, "container": 8080}]
    assert planned["questions"] == [{"model": "chat", "task": "chat", "url": f"http://127.0.0.1:{port}/v3"}]


@pytest.mark.parametrize("name", ["Qwen/Qwen3-4B", "phi3:mini"])
def test_a_name_that_is_no_word_of_a_path_is_asked_for_by_its_server(name: str) -> None:
    planned = engine_plan([{"name": name}], "openvino", paths={name: "/m"}, build=IMAGE)
    assert planned["services"][0]["health"]["url"].endswith("/v2/health/ready")
    assert json.loads(files(planned)["config.json"])["mediapipe_config_list"][0]["name"] == name


def test_several_instances_are_servers_of_their_own() -> None:
    planned = plan({"instances": {"max": 2}})
    assert [service["name"] for service in planned["services"]] == ["openvino-chat", "openvino-chat.2"]
    assert len({service["health"]["url"] for service in planned["services"]}) == 2


def test_the_gateway_knows_where_the_api_begins_and_what_it_offers() -> None:
    models = {"chat": {"engine": "openvino"}, "other": {}}
    known = gateway_models(models, "docker", "/var/lib/hearth")
    assert known["chat"]["prefix"] == "/v3"
    assert known["chat"]["paths"] == ["/v1/chat/completions", "/v1/completions"]
    assert known["chat"]["addresses"] == ["openvino-chat:8080"]
    assert "prefix" not in known["other"]


def test_a_compressed_model_lies_where_it_was_made_and_another_one_where_it_was_brought() -> None:
    models: list[dict[str, Any]] = [
        {"name": "a", "path": "/srv/a"},
        {"name": "b", "path": "/srv/b", "compression": {"weights": "int8"}},
        {"name": "c"},
        {"name": "d", "path": "/srv/d", "compression": {"weights": "int8"}},
    ]
    assert openvino_places(models, {"b": "/models/.compressed/b@1", "c": "/models/c"}) == [
        {"name": "a", "path": "/srv/a"},
        {"name": "b", "path": "/models/.compressed/b@1"},
        {"name": "c", "path": "/models/c"},
    ]


def test_options_are_held_against_those_that_the_node_has() -> None:
    assert check({"chat": told({})}, "openvino", IMAGE) == {"findings": [], "judged": True}
    wrong = told({"options": {"max-num-batched-token": 256, "dynamic-split-fuse": "sometimes"}})
    findings = " ".join(check({"chat": wrong}, "openvino", IMAGE)["findings"])
    assert "'max-num-batched-token' is no option of OpenVINO Model Server 2026.4.0" in findings
    assert "the nearest is 'max-num-batched-tokens'" in findings
    assert "'dynamic-split-fuse' takes true or false" in findings
    known = told({"options": {"max-model-len": 4096}})
    assert "it has no such limit" in " ".join(check({"chat": known}, "openvino", IMAGE)["findings"])


def test_what_is_no_object_is_no_configuration_of_the_plugin() -> None:
    with pytest.raises(HearthError, match="The option plugin-config is no object"):
        told({"options": {"plugin-config": "fast"}})
