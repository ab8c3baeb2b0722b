# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model over the GPUs of several hosts: what each host runs of it, what is let in for it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.filter.gateway_models import gateway_models
from ansible_collections.hearth.llm.plugins.filter.vllm_nodes import vllm_nodes
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._placement import findings, hosts_of, models_on, served_on

PLACES = {
    "gpu1": {"address": "10.0.100.1", "interface": "fast0"},
    "gpu2": {"address": "10.0.100.2", "interface": "fast1"},
}
LARGE: dict[str, Any] = {"name": "large", "nodes": ["gpu1", "gpu2"]}
SMALL: dict[str, Any] = {"name": "small"}
FLEET = {"all": ["door", "gpu1", "gpu2"], "hearth_gateways": ["door"], "hearth_engines": ["gpu1", "gpu2"]}


def plan(host: str, **given: Any) -> dict[str, Any]:
    return engine_plan(
        [LARGE, SMALL],
        "vllm",
        **{
            "node": host,
            "places": PLACES,
            "node_port": 28000,
            "address": {"gpu1": "10.212.0.1", "gpu2": "10.212.0.2"}[host],
            "port": 18100,
            "paths": {"large": "/m/large", "small": "/m/small"},
            "models_directory": "/m",
            "fingerprints": {"large": "abc"},
            "planned": {"large": {"tensor-parallel-size": 4}},
            "build": "docker.io/vllm/vllm-openai:v0.32.0",
            **given,
        },
    )


def test_the_first_host_answers_and_tells_the_others_what_all_are_told() -> None:
    planned = plan("gpu1")
    assert not planned["parts"]
    first = next(service for service in planned["services"] if service["name"] == "vllm-large")
    command = first["command"]
    own, part, told = (" ".join(words) for words in split_at(command, "--"))
    port = int(command[command.index("--listen") + 1].rpartition(":")[2])
    assert own == f"--nodes 2 --model abc --listen 10.0.100.1:{port}"
    assert part.startswith(
        f"vllm serve /models/large --host 10.212.0.1 --port {planned['ports']['large']} --config {{config}}/api_key.yaml --middleware"
    )
    assert part.endswith("--node-rank 0")
    assert f"--nnodes 2 --master-addr 10.0.100.1 --master-port {port + 1} --distributed-executor-backend mp" in told
    assert "--pipeline-parallel-size 2 --tensor-parallel-size 4" in told
    assert "api_key" not in told
    assert first["network"] == "host"
    assert "ports" not in first
    assert first["entrypoint"][:4] == [
        "env",
        "VLLM_HOST_IP=10.0.100.1",
        "GLOO_SOCKET_IFNAME=fast0",
        "NCCL_SOCKET_IFNAME=fast0",
    ]
    assert "ansible_collections/hearth/llm/plugins/module_utils/_nodes/program.py" in [
        file["path"] for file in first["files"]
    ]
    assert [question["model"] for question in planned["questions"]] == ["large", "small"]


def split_at(words: list[str], mark: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == mark:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def test_another_host_has_a_part_that_listens_to_nobody() -> None:
    planned = plan("gpu2")
    (part,) = planned["parts"]
    (own, command) = (" ".join(words) for words in split_at(part["command"], "--"))
    port = plan("gpu1")["services"][0]["command"][5]
    assert own == f"--rank 1 --model abc --join {port}"
    assert command == "vllm serve /models/large --headless --node-rank 1"
    assert part["health"] == {}
    # What it is told it hears from the first host: so it has no port, and is asked nothing.
    assert [question["model"] for question in planned["questions"]] == ["small"]
    assert planned["ports"] == engine_plan([SMALL], "vllm", port=18100)["ports"]
    with pytest.raises(AnsibleFilterError, match="large is split over gpu1, gpu2, and this host is attic"):
        engine_plan([LARGE], "vllm", node="attic", places=PLACES)


def test_each_is_let_in_by_the_others_alone_and_through_the_interface_where_they_meet() -> None:
    at = {host: vllm_nodes([LARGE, SMALL], host, places=PLACES) for host in PLACES}
    port = int(plan("gpu1")["services"][0]["command"][5].rpartition(":")[2])
    assert [opening["port"] for opening in at["gpu1"]["openings"]] == [f"{port}-{port + 1}", "32768-60999"]
    assert [opening["port"] for opening in at["gpu2"]["openings"]] == ["32768-60999"]
    assert {(opening["interface"], *opening["sources"]) for opening in at["gpu2"]["openings"]} == {
        ("fast1", "10.0.100.1/32")
    }
    assert at["gpu1"]["findings"] == []
    assert vllm_nodes([SMALL], "gpu1")["openings"] == []


def test_a_host_that_nobody_finds_is_named() -> None:
    (finding,) = vllm_nodes([LARGE], "gpu1", places={**PLACES, "gpu2": {"address": "", "interface": ""}})["findings"]
    assert finding.startswith(
        "hearth_models.large.nodes names gpu2, and nobody knows at which address the others reach it"
    )
    (finding,) = vllm_nodes([LARGE], "gpu1", places={**PLACES, "gpu1": {"address": "10.0.100.1", "interface": ""}})[
        "findings"
    ]
    assert finding.startswith("vllm_node_interface of gpu1 is empty")


def test_another_image_other_files_and_another_number_of_gpus_are_told_before_anything_starts() -> None:
    def offer(image: str, model: str, gpus: int) -> dict[str, Any]:
        return {
            "image": [image],
            "fingerprints": {"large": model},
            "settings": {"large": {"tensor-parallel-size": gpus}},
        }

    good = offer("sha256:a", "abc", 4)
    assert vllm_nodes([LARGE], "gpu1", offers={"gpu1": good, "gpu2": good})["differences"] == []
    # One that was left out of the run says nothing.
    assert vllm_nodes([LARGE], "gpu1", offers={"gpu1": good})["differences"] == []
    told = vllm_nodes([LARGE], "gpu1", offers={"gpu1": good, "gpu2": offer("sha256:b", "other", 2)})["differences"]
    assert [sentence.partition(":")[0] for sentence in told[:2]] == ["large", "large"]
    assert "vllm_image on gpu2 is not what it is on gpu1 (sha256:b and sha256:a): name it by its digest" in told[0]
    assert "the model's files on gpu2 are not those on gpu1" in told[1]
    assert told[2].startswith("large is split over gpu1 with 4 GPUs and gpu2 with 2")


def test_all_hold_the_model_and_the_first_one_serves_it() -> None:
    models = {"large": {"nodes": ["gpu2", "gpu1"]}, "small": {"hosts": ["gpu1"]}}
    assert list(models_on(models, "gpu1")) == ["large", "small"]
    assert list(served_on(models, "gpu1")) == ["small"]
    assert list(served_on(models, "gpu2")) == ["large"]
    assert list(models_on(models, "gpu3")) == []
    assert hosts_of(models["large"], ["gpu1", "gpu2"]) == ["gpu2"]


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (
            {**FLEET, "hearth_engines": ["gpu1"]},
            "hearth_models.large.nodes names 'gpu2', which is no engine: name it in hearth_engines, too",
        ),
        (
            {"all": ["gpu1", "gpu2"]},
            "hearth_models.large.nodes splits it over several hosts, and each host here serves for itself: name in hearth_gateways",
        ),
    ],
)
def test_hosts_that_cannot_meet_are_found(groups: dict[str, list[str]], sentence: str) -> None:
    (found,) = findings(groups, {"large": {"nodes": ["gpu1", "gpu2"]}})
    assert found.startswith(sentence)
    (found,) = findings(FLEET, {"large": {"nodes": ["gpu1"]}})
    assert found.endswith("name the others over whose GPUs it is split, or write hosts: [gpu1].")


def test_the_gateway_asks_the_first_host_at_its_address_also_from_beside_it() -> None:
    host = {"name": "gpu1", "is_here": True, "runtime": "docker", "address": "10.212.0.1", "ports": {"vllm": 18100}}
    told = gateway_models(
        {}, "docker", "/d", [{**host, "models": {"large": {"engine": "vllm", **LARGE}, "small": {"engine": "vllm"}}}]
    )
    assert told["large"]["addresses"] == [f"10.212.0.1:{plan('gpu1')['ports']['large']}"]
    assert told["small"]["addresses"] == ["vllm-small:8080"]
