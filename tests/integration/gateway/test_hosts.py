# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that two hosts serve, as a real HAProxy sees them: one is busy, dies, comes back, cannot load the model, or is about to be changed."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from fakes.engine import WORDS, Engine
from integration.conftest import PROJECT, Runner
from integration.gateway.description import HAPROXY, MESSAGES, Answer, Gateway, eventually
from integration.programs import stop_all
from lab import packages

SLOTS = {"one": 2, "two": 4}
# What a router says of the model.
LOADED = {"value": "loaded"}


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Engine]]:
    with Engine() as one, Engine() as two:
        yield {"one": one, "two": two}


class Door(Gateway):
    """The gateway as its playbook makes it, of an inventory in which two other hosts serve. None of these is in the run."""

    def __init__(self, directory: Path, run_playbook: Runner, hosts: dict[str, Engine]) -> None:
        super().__init__(directory, run_playbook, *hosts.values())
        engines = {name: {"llama_cpp_port": int(engine.address.rpartition(":")[2])} for name, engine in hosts.items()}
        self._groups = directory / "groups.json"
        self._engines = {**engines, "two": {**engines["two"], "hearth_models": described(SLOTS["two"])}}

    def serve(self, *keys: dict[str, Any], **variables: Any) -> None:
        door = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "hearth_runtime": "process",
            "hearth_directory": str(self.directory / "h"),
            "hearth_address": "127.0.0.1",
            "hearth_port": self.port,
            "hearth_api_keys": [{"name": "all", "operator": True}, *keys],
            "gateway_program": HAPROXY,
            "gateway_metrics_port": self.metrics_port,
            **variables,
        }
        everybody = {
            "hearth_secrets_directory": str(self.directory / "secrets"),
            # One that is there already.
            "hearth_private_network": "none",
            "hearth_private_address": "127.0.0.1",
            "hearth_models": described(SLOTS["one"]),
        }
        groups = {"hearth_gateways": {"hosts": {"door": door}}, "hearth_engines": {"hosts": self._engines}}
        self._groups.write_text(json.dumps({"all": {"vars": everybody, "children": groups}}))
        self.run_playbook(PROJECT / "playbooks/deploy_gateway.yml", "-i", str(self._groups), "--limit=door")


def described(slots: int) -> dict[str, Any]:
    source = {"source": "hf://owner/repository/shared.gguf"}
    return {"shared": {**source, "slots": slots, "hosts": ["one", "two"]}, "alone": {**source, "hosts": ["two"]}}


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, hosts: dict[str, Engine], module_playbook: Runner
) -> Iterator[Door]:
    packages.provide("haproxy")
    module_playbook.hosts({})
    door = Door(tmp_path_factory.mktemp("gateway"), module_playbook, hosts)
    door.serve()
    yield door
    stop_all(door.directory / "h")


@pytest.fixture
def gateway(running: Door, hosts: dict[str, Engine]) -> Door:
    for engine in hosts.values():
        if not engine.is_up:
            engine.come_back()
        engine.statuses["shared"] = LOADED
        engine.forget()
    (running.directory / "h/run/leaving/one").unlink(missing_ok=True)
    eventually(lambda: taking(running) == {"one", "two"}, "both get requests")
    eventually(lambda: sum(engine.running for engine in hosts.values()) == 0, "the engines rest")
    eventually(lambda: running.rests, "the gateway rests")
    return running


def servers(gateway: Gateway) -> dict[str, dict[str, Any]]:
    model = shared(gateway.ask("GET", "/status"))
    return {server["host"]: server for server in model["servers"]}


def shared(answer: Answer) -> dict[str, Any]:
    return next(model for model in json.loads(answer.body)["models"] if model["name"] == "shared")


def taking(gateway: Gateway) -> set[str]:
    return {host for host, server in servers(gateway).items() if server["gets_requests"]}


def question(text: str, **how: Any) -> dict[str, Any]:
    return {"model": "shared", "messages": [{"role": "user", "content": text}], **how}


class Load:
    """Plain requests and streams, one after the other from each of some clients, until it is left."""

    def __init__(self, gateway: Gateway, clients: int = 3) -> None:
        self._gateway, self._over = gateway, threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._clients: list[Future[Counter[str]]] = [self._pool.submit(self._ask, number) for number in range(clients)]

    def _ask(self, client: int) -> Counter[str]:
        seen: Counter[str] = Counter()
        for number in range(100_000):
            if self._over.is_set():
                break
            answer = self._gateway.complete(question(f"{client} {number}", stream=number % 2 == 1))
            whole = "[DONE]" in answer.body if number % 2 else " ".join(WORDS) in answer.body
            seen[f"{answer.status}{'' if whole or answer.status != 200 else ' cut'}"] += 1
        return seen

    def leave(self) -> Counter[str]:
        self._over.set()
        return sum((client.result(60) for client in self._clients), Counter())


def test_each_host_gets_its_share_of_slots_and_what_is_more_waits(gateway: Gateway, hosts: dict[str, Engine]) -> None:
    listed = json.loads(gateway.ask("GET", "/v1/models").body)["data"]
    assert [model["id"] for model in listed] == ["alone", "shared"]
    for engine in hosts.values():
        engine.go.clear()
    with ThreadPoolExecutor(8) as clients:
        answers = [clients.submit(gateway.complete, question(f"{number}")) for number in range(3)]
        eventually(lambda: sum(engine.running for engine in hosts.values()) == 3, "three are under way")
        # Of two slots one, and of four two.
        assert {name: engine.running for name, engine in hosts.items()} == {"one": 1, "two": 2}
        answers += [clients.submit(gateway.complete, question(f"{number}")) for number in range(3, 8)]
        eventually(lambda: {name: engine.running for name, engine in hosts.items()} == SLOTS, "all slots are taken")
        eventually(lambda: 'haproxy_backend_current_queue{proxy="shared"} 2' in gateway.metrics("/metrics"), "two wait")
        for engine in hosts.values():
            engine.go.set()
        assert {answer.result().status for answer in answers} == {200}


def test_a_conversation_goes_on_where_it_was_read_until_that_host_has_no_slot(
    gateway: Gateway, hosts: dict[str, Engine]
) -> None:
    for _turn in range(4):
        assert gateway.complete(question("the same beginning")).status == 200
    first = next(engine for engine in hosts.values() if engine.received)
    assert len(first.received) == 4
    first.go.clear()
    with ThreadPoolExecutor(5) as clients:
        most = SLOTS[next(name for name, engine in hosts.items() if engine is first)]
        held = [clients.submit(gateway.complete, question("the same beginning")) for _ in range(most)]
        eventually(lambda: first.running == most, "it has no slot")
        assert gateway.complete(question("the same beginning")).status == 200
        first.go.set()
        assert {answer.result().status for answer in held} == {200}


def test_what_has_not_begun_to_be_answered_outlives_its_host(gateway: Gateway, hosts: dict[str, Engine]) -> None:
    """An answer that has begun is cut off, and its client told so."""
    for engine in hosts.values():
        engine.go.clear()
    streams = [
        gateway.openai().chat.completions.create(
            model="shared", messages=[{"role": "user", "content": f"stream {number}"}], stream=True
        )
        for number in range(3)
    ]
    begun = [next(stream) for stream in streams]
    assert len(begun) == 3
    with ThreadPoolExecutor(3) as clients:
        # As long as the longest request that was rewritten on its way.
        texts = [f"{number} " + "word " * 100_000 for number in range(3)]
        answers = [clients.submit(gateway.complete, question(text, max_tokens=99)) for text in texts]
        eventually(lambda: sum(engine.running for engine in hosts.values()) == 6, "all are under way")
        dying, other = hosts["one"], hosts["two"]
        lost = {engine_request(request.body) for request in dying.received if not request.body.get("stream")}
        dying.die()
        other.go.set()
        assert [(answer.result().status, " ".join(WORDS) in answer.result().body) for answer in answers] == [
            (200, True)
        ] * 3
    assert lost, "the host that died had none of them"
    assert lost <= {engine_request(request.body) for request in other.received}
    ended = [ended_well(stream) for stream in streams]
    assert 0 < ended.count(False) < 3


def engine_request(body: dict[str, Any]) -> str:
    return json.dumps({"messages": body["messages"], "max_tokens": body.get("max_tokens")})


def ended_well(stream: Any) -> bool:
    try:
        return sum(1 for _event in stream) > 0
    except (openai.APIError, httpx2.RemoteProtocolError):
        return False


def test_under_load_a_host_dies_and_comes_back_and_no_request_is_refused(
    gateway: Gateway, hosts: dict[str, Engine]
) -> None:
    load = Load(gateway)
    eventually(lambda: all(len(engine.received) > 10 for engine in hosts.values()), "both answer")
    hosts["one"].die()
    eventually(lambda: taking(gateway) == {"two"}, "it is missed")
    before = len(hosts["two"].received)
    eventually(lambda: len(hosts["two"].received) > before + 20, "the other one answers")
    hosts["one"].come_back()
    began = time.monotonic()
    before = len(hosts["one"].received)
    eventually(lambda: len(hosts["one"].received) > before + 10, "it is used again")
    print(f"used again after {time.monotonic() - began:.1f} s")
    seen = load.leave()
    print(dict(seen))
    # What was being answered as it died may have been cut off.
    assert set(seen) <= {"200", "200 cut"}
    assert seen["200 cut"] <= 3


def test_a_host_that_is_about_to_be_changed_ends_what_it_has_and_gets_nothing_more(
    gateway: Door, hosts: dict[str, Engine]
) -> None:
    marks = gateway.directory / "h/run/leaving"
    load = Load(gateway)
    eventually(lambda: all(len(engine.received) > 10 for engine in hosts.values()), "both answer")
    (marks / "one").touch()
    eventually(lambda: taking(gateway) == {"two"}, "it is left out")
    eventually(lambda: servers(gateway)["one"]["slots_in_use"] == 0, "what it has has ended")
    before = len(hosts["one"].received)
    # Nor does what it has read before.
    assert gateway.complete({"model": "shared", "messages": hosts["one"].received[-1].body["messages"]}).status == 200
    hosts["one"].die()
    time.sleep(1)
    hosts["one"].come_back()
    assert len(hosts["one"].received) == before
    # A reload remembers it.
    gateway.serve({"name": "other"})
    assert len(hosts["one"].received) == before
    (marks / "one").unlink()
    eventually(lambda: len(hosts["one"].received) > before + 10, "it is used again")
    # Which hosts there are is for operators.
    other = (gateway.directory / "secrets/api_keys/other").read_text().strip()
    seen = shared(gateway.ask("GET", "/status", key=other))
    assert (seen["servers"], seen["instances"], seen["slots"]) == (None, 2, 6)
    assert set(load.leave()) == {"200"}
    # Whoever made a mark may have been killed.
    (marks / "one").write_text(f"{int(time.time()) - 1}\n")
    before = len(hosts["one"].received)
    assert {gateway.complete(question(f"{number}")).status for number in range(6)} == {200}
    assert len(hosts["one"].received) > before
    # The last one is left in, whatever is said of it.
    for name in hosts:
        (marks / name).write_text(f"{int(time.time()) + 60}\n")
    time.sleep(1)
    assert gateway.complete(question("last")).status == 200
    (marks / "two").unlink()


def test_a_router_that_loses_its_model_breaks_off_what_has_begun_and_the_rest_goes_elsewhere(
    gateway: Gateway, hosts: dict[str, Engine]
) -> None:
    for engine in hosts.values():
        engine.go.clear()
    streams = [
        gateway.openai().chat.completions.create(
            model="shared", messages=[{"role": "user", "content": f"stream {number}"}], stream=True
        )
        for number in range(3)
    ]
    assert len([next(stream) for stream in streams]) == 3
    with ThreadPoolExecutor(2) as clients:
        answers = [clients.submit(gateway.complete, question(f"{number}")) for number in range(2)]
        # Of the other one a slot is left.
        eventually(
            lambda: {name: engine.running for name, engine in hosts.items()} == {"one": 2, "two": 3},
            "all are under way",
        )
        begun_there = sum(1 for request in hosts["one"].received if request.body.get("stream"))
        assert begun_there < hosts["one"].running
        hosts["one"].has_lost_its_model = True
        eventually(lambda: hosts["one"].running == 0, "it has lost what it was at")
        hosts["two"].go.set()
        assert [(answer.result().status, " ".join(WORDS) in answer.result().body) for answer in answers] == [
            (200, True)
        ] * 2
    assert [ended_well(stream) for stream in streams].count(False) == begun_there > 0


def test_a_router_that_could_not_load_the_model_gets_no_requests_though_its_port_is_open(
    gateway: Gateway, hosts: dict[str, Engine]
) -> None:
    hosts["one"].statuses["shared"] = {"value": "unloaded", "failed": True, "exit_code": 1}
    eventually(lambda: taking(gateway) == {"two"}, "it is left out")
    answers: list[Answer] = [gateway.complete(question(f"{number}")) for number in range(6)]
    assert {answer.status for answer in answers} == {200}
    # No request is what finds out whether it can by now.
    eventually(lambda: hosts["one"].loads == ["shared"], "it is told to load it")
    assert not hosts["one"].received
    hosts["one"].statuses["shared"] = LOADED
    eventually(lambda: taking(gateway) == {"one", "two"}, "it is used again")
    # One that cannot do it is better than none.
    hosts["one"].statuses["shared"] = {"value": "loading"}
    eventually(lambda: taking(gateway) == {"two"}, "it is left out")
    hosts["two"].die()
    eventually(lambda: taking(gateway) == {"one"}, "the last one is left in")
    assert gateway.complete({"model": "shared", "messages": MESSAGES}).status == 200


def test_a_host_that_says_nothing_is_left_alone_before_its_checks_have_ended(
    gateway: Gateway, hosts: dict[str, Engine]
) -> None:
    hosts["one"].tells.clear()
    try:
        began = time.monotonic()
        eventually(lambda: taking(gateway) == {"two"}, "it is left out")
        assert time.monotonic() - began < 10
    finally:
        hosts["one"].tells.set()
    eventually(lambda: taking(gateway) == {"one", "two"}, "it is used again")
