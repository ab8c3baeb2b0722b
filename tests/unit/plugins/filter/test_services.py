# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role service makes of definitions, and the roles of models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.hearth.llm.plugins.filter.service_place import service_place
from ansible_collections.hearth.llm.plugins.filter.service_plan import service_plan
from ansible_collections.hearth.llm.plugins.filter.service_starts import service_starts
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._services import FIELDS

ROLE = Path(__file__).parents[4] / "roles/service"
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
OF_ALL = ("name", "items", "family", "gateways", "start", "state", "runtime", "directory", "log_lines")
COMMON = {name: DEFAULTS[f"service_{name}"] for name in (*FIELDS, "log_lines") if name != "files"}
DIRECTORY = "/var/lib/hearth"


def plan(*items: dict[str, Any], runtime: str = "docker", **common: Any) -> dict[str, Any]:
    return service_plan(items, {**COMMON, "image": "engine:1", **common}, DIRECTORY, runtime)


def written(name: str, **more: Any) -> dict[str, Any]:
    definition = plan({"name": name})["services"][0]["generation"]["definition"]
    return {
        "name": name,
        "error": "",
        "changed": False,
        "is_proven": True,
        "restart_key": "k",
        "definition": definition,
        **more,
    }


def test_an_item_may_say_whatever_a_variable_says_for_all_and_nothing_else() -> None:
    assert {f"service_{name}" for name in (*FIELDS, *OF_ALL)} == set(DEFAULTS)
    assert {f"service_{name}" for name in COMMON} == {
        f"service_{name}" for name in yaml.safe_load((ROLE / "vars/main.yml").read_text())["__service_common"]
    }
    assert plan({"name": "a", "environments": {}})["findings"] == [
        f"The service 'a' has 'environments', which is no field of a service: use one of {', '.join(FIELDS)}."
    ]


def test_what_cannot_be_run_is_found_before_anything_is_written() -> None:
    assert plan({"name": "a"})["findings"] == []
    for image in ("", "engine", "engine:latest", "host:5000/engine"):
        findings = plan({"name": "a", "image": image}, {"name": "b"})["findings"]
        assert [f"(found '{image}')" in finding for finding in findings] == [True]
    assert "'a' cannot be run" in plan({"name": "a"}, runtime="process")["findings"][0]
    assert plan({"name": "a", "command": ["x"]}, runtime="process")["findings"] == []
    assert plan({"name": "a", "command": ["x"], "gpus": ["nvidia.com/gpu=0"]}, runtime="process")["findings"]
    assert "Item 0" in plan({})["findings"][0]


def test_what_an_item_says_goes_before_what_is_said_for_all() -> None:
    first, second = plan(
        {"name": "a", "command": ["own"], "files": [{"path": "x"}]},
        {"name": "b"},
        command=["common", "{config}/x"],
        environment={"WHERE": "{config}"},
    )["services"]
    assert first["generation"]["definition"]["command"] == ["own"]
    assert second["generation"]["definition"]["command"] == ["common", "/etc/hearth/current/x"]
    assert second["generation"]["definition"]["environment"] == {"WHERE": "/etc/hearth/current"}
    # What is common to all is not repeated for each.
    assert (first["generation"]["files"], second["generation"]["files"]) == ([{"path": "x"}], [])
    assert (first["generation"]["group"], first["health"]["runs_as"]) == ("65534", "hearth-a")


def test_a_process_finds_its_files_and_its_python_on_the_host() -> None:
    (one,) = plan({"name": "a", "command": ["{python}", "{config}/x"]}, runtime="process")["services"]
    python, config = one["generation"]["definition"]["command"]
    assert python.startswith(f"{DIRECTORY}/venvs/")
    assert config == f"{service_place('a', DIRECTORY, 'process')['files']}/x"
    assert "group" not in one["generation"]


def test_new_files_are_judged_in_a_container_of_the_same_image() -> None:
    (one,) = plan({"name": "a", "validate": ["judge", "{config}/x"]})["services"]
    command = one["generation"]["validate"]
    assert command[:2] == ["docker", "run"]
    assert command[-3:] == ["engine:1", "judge", "/etc/hearth/current/x"]
    assert "{config}:/etc/hearth/current:ro" in command


def test_only_containers_that_differ_or_have_new_files_are_due() -> None:
    services = [written("same"), written("drifted"), written("new", changed=True), written("refused", error="no")]
    starts = service_starts(services, {}, DIRECTORY, different=["drifted"])
    assert {one["name"]: one["due"] for one in starts} == {"same": False, "drifted": True, "new": True}
    assert [one["name"] for one in starts if one["restart"]] == ["new"]


def test_one_that_reads_its_files_on_a_signal_is_signalled_until_it_is_proven() -> None:
    services = [written("same"), written("new", changed=True, is_proven=False), written("cut", is_proven=False)]
    starts = service_starts(services, dict.fromkeys(("same", "new", "cut"), "HUP"), DIRECTORY)
    assert [(one["signal"], one["restart"], one["due"]) for one in starts] == [
        ("", False, False),
        ("HUP", False, False),
        ("HUP", False, False),
    ]
    (program,) = service_starts([services[2]], {"cut": "HUP"}, DIRECTORY, "process")
    assert program["program"]["signal"] == "HUP"


def test_gpus_are_given_by_their_names_or_by_nvidias_runtime() -> None:
    (service,) = plan({"name": "a", "gpus": ["nvidia.com/gpu=0"]})["services"]
    one = written("a", definition=service["generation"]["definition"])
    (by_name,) = service_starts([one], {}, DIRECTORY)
    assert by_name["container"]["device_requests"] == [
        {"driver": "cdi", "count": 0, "device_ids": ["nvidia.com/gpu=0"]}
    ]
    assert "runtime" not in by_name["container"]
    (by_runtime,) = service_starts([one], {}, DIRECTORY, knows_cdi=False)
    assert by_runtime["container"]["runtime"] == "nvidia"
    assert by_runtime["container"]["env"] == {"NVIDIA_VISIBLE_DEVICES": "nvidia.com/gpu=0"}
    assert "device_requests" not in by_runtime["container"]


def test_one_that_has_the_network_of_its_host_is_in_no_other() -> None:
    (service,) = plan({"name": "a", "network": "host"})["services"]
    (started,) = service_starts([written("a", definition=service["generation"]["definition"])], {}, DIRECTORY, "docker")
    assert (started["container"]["network_mode"], started["container"]["networks"]) == ("host", [])


def test_who_looks_at_a_service_from_outside_is_told_where() -> None:
    assert service_place("valkey", DIRECTORY) == {
        "files": "/var/lib/hearth/services/valkey/current",
        "config": "/etc/hearth/current",
        "container": "hearth-valkey",
        "log": "/var/lib/hearth/services/valkey/service.log",
    }


def test_each_model_of_llama_cpp_is_a_service_with_options_and_a_socket_of_its_own() -> None:
    models: list[dict[str, Any]] = [
        {"name": "a", "slots": 2, "context_tokens": 512},
        {"name": "b", "path": "/own.gguf"},
    ]
    plan = engine_plan(
        models,
        "llama_cpp",
        runtime="process",
        directory="/h",
        paths={"a": "/models/a.gguf"},
        projectors={"a": "/models/eyes.gguf"},
        contexts={"b": 1024},
        planned={"b": {"cache-ram": 8}},
        prompt_cache_mib=512,
        fingerprints={"a": "f"},
    )
    a, b = plan["services"]
    told = [json.loads(one["files"][0]["content"]) for one in (a, b)]
    assert (a["name"], a["health"]["socket_path"]) == ("llama_cpp-a", "/h/run/a.sock")
    assert (told[0]["model"], told[0]["mmproj"], told[0]["ctx-size"]) == ("/models/a.gguf", "/models/eyes.gguf", 1024)
    assert (told[1]["model"], told[1]["ctx-size"], told[1]["cache-ram"]) == ("/own.gguf", 1024, 8)
    assert "mmproj" not in told[1]
    assert [one["files"][1]["content"] for one in (a, b)] == ["f", ""]


def test_a_service_is_called_by_what_stands_for_its_model_and_answers_to_the_name_itself() -> None:
    (process,) = engine_plan([{"name": "phi3:mini"}], "llama_cpp", runtime="process", directory="/h")["services"]
    assert (process["name"], process["health"]["socket_path"]) == (
        "llama_cpp-phi3-mini-fc2efc",
        "/h/run/phi3-mini-fc2efc.sock",
    )
    assert json.loads(process["files"][0]["content"])["alias"] == "phi3:mini"
    (container,) = engine_plan([{"name": "o/big"}], "vllm", build="docker.io/vllm/vllm-openai:v0.32.0")["services"]
    assert container["name"].startswith("vllm-o-big-")
    assert container["command"][1:3] == ["--served-model-name", "o/big"]


def test_the_router_is_told_a_name_that_it_would_write_otherwise_as_an_alias() -> None:
    """With a colon in the name of its section, b11176 knew phi3:MINI and not phi3:mini."""
    plan = engine_plan([{"name": "o/talker"}, {"name": "phi3:mini"}], "llama_cpp")
    (router,) = plan["services"]
    assert "\n[o/talker]\nctx-size = 4096\n" in router["files"][0]["content"]
    assert "\n[phi3-mini-fc2efc]\nalias = phi3:mini\n" in router["files"][0]["content"]


def test_each_model_of_vllm_is_a_service_with_a_port_and_gpus_of_its_own() -> None:
    models: list[dict[str, Any]] = [{"name": "a", "slots": 4}, {"name": "b", "gpus": ["nvidia.com/gpu=1"]}]
    plan = engine_plan(
        models,
        "vllm",
        build="docker.io/vllm/vllm-openai:v0.32.0",
        port=18100,
        gpus=["nvidia.com/gpu=all"],
        paths={"a": "/h/models/a", "b": "/h/models/b"},
        models_directory="/h/models",
        timeout_seconds=900,
    )
    a, b = plan["services"]
    assert a["command"][:3] == ["/models/a", "--served-model-name", "a"]
    assert a["command"][-2:] == ["--max-num-seqs", "4"]
    assert (a["gpus"], b["gpus"]) == (["nvidia.com/gpu=all"], ["nvidia.com/gpu=1"])
    port = plan["ports"]["b"]
    assert b["ports"] == [{"address": "127.0.0.1", "host": port, "container": 8080}]
    assert b["health"] == {"url": f"http://127.0.0.1:{port}/health", "timeout_seconds": 900}


def test_a_router_has_one_instance_of_each_model_that_has_as_many() -> None:
    models: list[dict[str, Any]] = [
        {"name": "a", "idle_unload_seconds": 60, "instances": {"max": 2}},
        {"name": "b", "instances": {"min": 2}},
        {"name": "c", "idle_unload_seconds": 60},
    ]
    planned = {"b.2": {"main-gpu": 1}}
    first, second = engine_plan(models, "llama_cpp", port=18080, planned=planned)["services"]
    assert (first["name"], first["ports"][0]["host"]) == ("llama_cpp", 18080)
    assert (second["name"], second["health"]["url"]) == ("llama_cpp-2", "http://127.0.0.1:18081/health")
    sections = [
        dict(part.split("]\n", 1) for part in router["files"][0]["content"].split("[")[1:])
        for router in (first, second)
    ]
    assert [list(one) for one in sections] == [["a", "b", "c"], ["a", "b"]]
    # What stays is loaded from the start, and does not sleep; without a word about instances a model may do both.
    told = [
        {name: [word in text for word in ("load-on-startup", "sleep-idle")] for name, text in one.items()}
        for one in sections
    ]
    assert told == [
        {"a": [True, False], "b": [True, False], "c": [True, True]},
        {"a": [False, True], "b": [True, False]},
    ]
    assert "main-gpu = 1" in sections[1]["b"]
    assert "main-gpu" not in sections[0]["b"]


def test_an_instance_that_is_not_wanted_from_the_start_waits_to_be_asked() -> None:
    models: list[dict[str, Any]] = [
        {"name": "a", "instances": {"max": 2}, "idle_unload_seconds": 60},
        {"name": "later", "load": "first_request", "instances": {"max": 2}},
        {"name": "rare", "load": "on_demand"},
    ]
    plan = engine_plan(models, "llama_cpp", runtime="process", directory="/h")
    how = {one["name"]: one.get("command", [])[2:-1] for one in plan["services"]}
    assert how == {
        "llama_cpp-a": [],
        "llama_cpp-a.2": ["--when-asked"],
        "llama_cpp-later": ["--when-there"],
        "llama_cpp-later.2": ["--when-there", "--when-asked"],
        "llama_cpp-rare": ["--when-asked"],
    }
    told = {one["name"]: json.loads(one["files"][0]["content"]) for one in plan["services"]}
    assert told["llama_cpp-a.2"]["host"] == "/h/run/a.2.sock"
    assert ["sleep-idle-seconds" in told[name] for name in ("llama_cpp-a", "llama_cpp-a.2")] == [False, True]
    assert [question["model"] for question in plan["questions"]] == ["a"]


def test_instances_of_vllm_are_containers_each_on_gpus_of_its_own() -> None:
    models: list[dict[str, Any]] = [{"name": "a", "instances": {"max": 2}}]
    planned = {"a": ["nvidia.com/gpu=0"], "a.2": ["nvidia.com/gpu=1"]}
    plan = engine_plan(models, "vllm", build="docker.io/vllm/vllm-openai:v0.32.0", port=18100, planned_gpus=planned)
    assert [(one["name"], one["gpus"]) for one in plan["services"]] == [
        ("vllm-a", ["nvidia.com/gpu=0"]),
        ("vllm-a.2", ["nvidia.com/gpu=1"]),
    ]
    assert len({one["ports"][0]["host"] for one in plan["services"]}) == 2
    assert [(asked["model"], asked.get("instance", 1)) for asked in plan["questions"]] == [("a", 1), ("a", 2)]
