# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How workers and heads of llama.cpp's RPC are run, and what images that did it before got wrong: each of that is a test here."""

from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.gateway_models import gateway_models
from ansible_collections.hearth.llm.plugins.filter.llama_rpc_heads import llama_rpc_heads
from ansible_collections.hearth.llm.plugins.filter.llama_rpc_peers import llama_rpc_peers
from ansible_collections.hearth.llm.plugins.filter.llama_rpc_plan import llama_rpc_plan
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan

IMAGE = "registry.example.org/llama.cpp-rpc:b11669"
AROUND = _description.Surroundings(now=1_800_000_000)
WORKERS = ["10.77.0.3:50052", "10.77.0.2:50052"]
MODELS: dict[str, dict[str, Any]] = {
    "chat": {"path": "/m/chat.gguf"},
    "large/one": {"path": "/m/large.gguf", "rpc": ["first", "second"], "slots": 2},
}


def plan(**given: Any) -> dict[str, Any]:
    return llama_rpc_plan(
        "10.77.0.2", image=IMAGE, program="/app/ggml-rpc-server", server_program="/app/llama-server", **given
    )


def heads(models: dict[str, dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    listed = [{"name": name, **model} for name, model in (models or MODELS).items()]
    planned = engine_plan(
        listed,
        "llama_cpp",
        port=18080,
        directory="/d",
        planned={"large/one": {"n-gpu-layers": 9, "tensor-split": "4,5"}},
        build=IMAGE,
        workers={"large/one": WORKERS},
    )
    services: list[dict[str, Any]] = planned["services"]
    return services


def test_a_worker_is_published_at_its_one_address() -> None:
    planned = plan(cache_directory="/c", port=50152)
    assert planned["findings"] == []
    assert planned["ports"] == [{"address": "10.77.0.2", "host": 50152, "container": 50052}]
    assert (planned["asked_at"], planned["listens_at"]) == ("10.77.0.2:50152", 50052)
    assert plan(runtime="process", port=50152)["listens_at"] == 50152
    as_process = plan(runtime="process", cache_directory="/c", port=50152)
    assert as_process["ports"] == []
    words = as_process["command"]
    assert words[words.index("-H") + 1] == "10.77.0.2"
    assert "0.0.0.0" not in words


def test_an_address_for_everybody_and_an_image_without_rpc_are_refused() -> None:
    assert "0.0.0.0" in llama_rpc_plan("0.0.0.0", image=IMAGE)["findings"][0]
    assert "llama_rpc_image is empty" in llama_rpc_plan("10.0.0.1")["findings"][0]
    assert "LLAMA_CACHE" in plan(environment={"LLAMA_CACHE": "/x"})["findings"][0]


def test_where_there_is_a_private_network_a_worker_is_in_no_other() -> None:
    def found(address: str, **given: Any) -> list[str]:
        return plan_at(address, private_address="10.212.7.1", **given)

    def plan_at(address: str, **given: Any) -> list[str]:
        sentences: list[str] = llama_rpc_plan(address, image=IMAGE, **given)["findings"]
        return sentences

    assert found("10.212.7.1") == found("127.0.0.1") == []
    for other in ("192.168.1.20", "10.212.7.2"):
        (sentence,) = found(other)
        assert sentence.startswith(
            f"llama_rpc_address is '{other}', which is not the address of the host in the private network: write 10.212.7.1"
        )
    for wrong in ("0.0.0.0", "8.8.8.8", "fd00::1", "::", "127.0.0.1 ", "big-pc", "224.0.0.1"):
        assert len(found(wrong)) == len(plan_at(wrong)) == 1, wrong
    # What nobody has asked for yet is not wrong.
    assert plan_at("") == found("") == []


def test_whoever_serves_a_model_together_is_known() -> None:
    models = {**MODELS, "other": {"rpc": ["first"], "hosts": ["b"]}}
    assert llama_rpc_peers(models, "first", ["a", "b"]) == {
        "models": ["large/one", "other"],
        "hosts": ["a", "b", "second"],
    }
    assert llama_rpc_peers(models, "second", ["a"]) == {"models": ["large/one"], "hosts": ["a", "first"]}
    assert llama_rpc_peers("no models", "first") == {"models": [], "hosts": []}


def test_a_worker_is_told_no_memory_but_devices_threads_and_its_own_cache() -> None:
    planned = plan(devices=["CUDA0", "CPU"], threads=3, cache_directory="/var/lib/hearth/rpc_cache")
    words = planned["command"]
    # --mem ended every worker of a newer build, with 0.
    assert not {"--mem", "-m"} & set(words)
    assert words[words.index("-d") + 1] == "CUDA0,CPU"
    assert words[words.index("-t") + 1] == "3"
    assert planned["environment"]["LLAMA_CACHE"] == planned["mounts"][0]["target"] == "/cache"
    assert "-c" not in plan(cache=False)["command"]
    assert plan(cache=False)["mounts"] == []


def test_a_worker_outlives_a_head_that_hangs_up() -> None:
    assert plan()["entrypoint"][2].startswith("trap '' PIPE; exec")
    assert plan()["entrypoint"][-1] == "/app/ggml-rpc-server"


def test_a_split_model_has_a_server_of_its_own_beside_the_router() -> None:
    router, head = heads()
    assert (router["name"], head["name"]) == ("llama_cpp", "llama_cpp-large-one-038e87")
    assert "large/one" not in router["files"][0]["content"]
    assert gateway_models(MODELS, "docker", "/d")["large/one"]["addresses"] == [f"{head['name']}:8080"]
    assert gateway_models(MODELS, "docker", "/d")["chat"]["addresses"] == ["llama_cpp:8080"]
    assert head["image"] == IMAGE
    assert head["ports"][0]["host"] not in range(18080, 18200)
    # Without another model there is no router.
    assert [one["name"] for one in heads({"large/one": MODELS["large/one"]})] == [head["name"]]


def test_a_head_is_told_exactly_the_workers_that_are_described() -> None:
    (_router, head) = heads()
    words = head["command"]
    own, server = words[: words.index("--")], words[words.index("--") + 1 :]
    assert own == ["--worker", WORKERS[0], "--worker", WORKERS[1]]
    assert server[0] == "/app/llama-server"
    assert server[server.index("--rpc") + 1] == ",".join(WORKERS)
    for flag, value in {
        "--tensor-split": "4,5",
        "--n-gpu-layers": "9",
        "--parallel": "2",
        "--alias": "large/one",
    }.items():
        assert server[server.index(flag) + 1] == value
    assert {"--no-slots", "--no-webui", "--jinja", "--metrics"} <= set(server)
    paths = {file["path"].rpartition("/")[2] for file in head["files"]}
    assert {"program.py", "worker.py", "fingerprint"} <= paths


def test_workers_come_in_the_order_in_which_they_are_planned_and_all_or_none() -> None:
    offers = [
        {"name": name, "address": f"10.77.0.{n}:50052", "build": "b1 a"}
        for n, name in enumerate(("first", "second", "third"), 2)
    ]
    models: list[dict[str, Any]] = [
        {"name": "large", "rpc": ["second", "first"]},
        {"name": "lacking", "rpc": ["third", "gone"]},
        {"name": "chat"},
    ]
    found = llama_rpc_heads(models, offers)
    assert found["workers"] == {"large": ["10.77.0.2:50052", "10.77.0.3:50052"]}
    assert found["builds"] == {"10.77.0.2:50052": "b1 a", "10.77.0.3:50052": "b1 a"}


def test_what_cannot_be_split_is_found_in_the_description() -> None:
    def found(**model: Any) -> list[str]:
        described = {"a": {"path": "/m/a.gguf", "rpc": ["w"], **model}}
        return _description.findings({"hearth_models": described}, AROUND)

    assert found() == []
    assert "loaded from the start" in found(load="on_demand")[0]
    assert "several instances" in found(instances={"max": 2})[0]
    assert "its workers would be left out: take that away, and write gpus" in found(options={"dev": "CUDA0"})[0]
    assert found(options={"tensor-split": "2,1"}) == []
    assert "its engine is vllm" in found(engine="vllm")[0]
    assert "names w twice" in found(rpc=["w", "w"])[0]
    twice = {name: {"path": f"/m/{name}.gguf", "rpc": ["w"]} for name in ("a", "b")}
    assert "both split over w" in _description.findings({"hearth_models": twice}, AROUND)[0]
    as_process = {"hearth_runtime": "process", "hearth_models": {"a": {"path": "/m/a.gguf", "rpc": ["w"]}}}
    assert "has no RPC" in _description.findings(as_process, AROUND)[0]
