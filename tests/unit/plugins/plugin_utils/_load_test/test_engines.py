# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever measures asks no engine that the question would load, or keep loaded."""

from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._load_test.engines import measured_engines

MODELS: dict[str, Any] = {
    "chat": {},
    "wide": {"instances": {"min": 2, "max": 2}},
    "leaving": {"idle_unload_seconds": 60},
    "later": {"load": "first_request"},
    "large": {"engine": "vllm"},
}
PORTS = {"llama_cpp": 18080, "vllm": 18100}


def asked(runtime: str, **models: Any) -> dict[str, Any]:
    host = {"runtime": runtime, "address": "", "ports": PORTS, "models": models or MODELS}
    return measured_engines(host, "/srv/hearth", 4)


def test_processes_are_asked_at_their_sockets() -> None:
    found = asked("process", chat={}, wide={"instances": {"min": 2, "max": 2}})
    assert [(one["name"], one["socket"]) for one in found["counted"]] == [
        ("chat", "/srv/hearth/run/chat.sock"),
        ("wide", "/srv/hearth/run/wide.sock"),
        ("wide.2", "/srv/hearth/run/wide.2.sock"),
    ]
    (engine,) = found["reports"]
    assert engine["models"][2] == {
        "model": "wide",
        "instance": 2,
        "socket_path": "/srv/hearth/run/wide.2.sock",
        "url": "http://localhost",
    }


def test_containers_are_asked_at_their_ports_and_a_router_by_the_name_of_the_model() -> None:
    found = asked("docker")
    urls = {one["name"]: one["url"] for one in found["counted"]}
    assert urls["chat"] == "http://127.0.0.1:18080/metrics?model=chat&autoload=false"
    assert urls["wide.2"].startswith("http://127.0.0.1:18081/metrics?model=wide")
    assert urls["large"].endswith("/metrics")
    assert all(one["wants_key"] for one in found["counted"])
    assert [one["engine"] for one in found["reports"]] == ["llama_cpp", "vllm"]


def test_who_may_be_unloaded_or_is_not_there_yet_is_left_alone() -> None:
    for runtime in ("docker", "process"):
        names = {one["name"] for one in asked(runtime)["counted"]}
        assert names & {"leaving", "later"} == set()
    # More models than a router has loaded at the same time take each other's place.
    many: dict[str, Any] = {f"m{number}": {} for number in range(5)}
    assert asked("docker", **many) == {"counted": [], "reports": []}
