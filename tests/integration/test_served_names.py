# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as users know them, on the whole way: a real llama.cpp for each model, and the gateway before it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from fakes import ports
from integration.conftest import Outcome, Runner
from integration.gateway.description import HAPROXY, MESSAGES, Gateway
from lab import packages

TALKER, MINI = "org/talker", "phi3:mini"
SENTENCES = {TALKER: "I am the talker.", MINI: "I am mini."}


class House(Gateway):
    """Both models and their gateway, made from one description."""

    def __init__(self, directory: Path, playbook: Runner) -> None:
        self.directory = directory
        self.port, self.metrics_port = ports.free(), ports.free()
        self.run_playbook = playbook
        for number, sentence in enumerate(SENTENCES.values()):
            (directory / f"{number}.gguf").write_bytes(hello_model("talker", sentence))

    def describe(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        sources = [f"file://{self.directory}/{number}.gguf" for number in range(len(SENTENCES))]
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "hearth_runtime": "process",
                "hearth_directory": str(self.directory / "h"),
                "hearth_secrets_directory": str(self.directory / "secrets"),
                "models_lock_file": str(self.directory / "models.lock.yml"),
                "hearth_models": {
                    TALKER: {"source": sources[0], "context_tokens": 512, "aliases": ["gpt-4o"], "default": True},
                    MINI: {"source": sources[1], "context_tokens": 512},
                },
                "gateway_program": HAPROXY,
                "gateway_address": "127.0.0.1",
                "gateway_port": self.port,
                "gateway_metrics_port": self.metrics_port,
                "gateway_redirect_port": 0,
                "gateway_api_keys": [{"name": "all"}, {"name": "mini", "key": "sk-0123456789-mini", "models": [MINI]}],
                **variables,
            },
            "roles": ["hearth.llm.models", "hearth.llm.llama_cpp", "hearth.llm.certificates", "hearth.llm.gateway"],
        }
        return self.run_playbook([play], *options, succeeds=succeeds)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[House]:
    packages.provide("haproxy", "libgomp.so.1")
    described = House(tmp_path_factory.mktemp("names"), module_playbook)
    described.describe()
    yield described
    described.describe(gateway_state="absent", llama_cpp_state="absent")


def said(body: str) -> str:
    return str(json.loads(body)["choices"][0]["message"]["content"])


def test_each_engine_answers_to_the_name_of_its_model(house: House) -> None:
    for (name, sentence), file in zip(SENTENCES.items(), ("org-talker-152fe3", "phi3-mini-fc2efc"), strict=True):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(house.directory / f"h/run/{file}.sock"))
        body = json.dumps({"model": name, "messages": MESSAGES, "temperature": 0})
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        assert (answer["model"], said(json.dumps(answer))) == (name, sentence)


@pytest.mark.parametrize(("asked", "name"), [(TALKER, TALKER), (MINI, MINI), ("gpt-4o", TALKER), (None, TALKER)])
def test_the_gateway_leads_every_name_of_a_model_to_it(house: House, asked: str | None, name: str) -> None:
    answer = house.complete({**({"model": asked} if asked else {}), "messages": MESSAGES, "temperature": 0})
    assert (answer.status, json.loads(answer.body)["model"], said(answer.body)) == (200, name, SENTENCES[name])


def test_a_key_reaches_its_own_models_by_every_name_and_no_other(house: House) -> None:
    for asked, status in ((MINI, 200), (TALKER, 404), ("gpt-4o", 404), ("phi3-mini-fc2efc", 404)):
        assert house.complete({"model": asked, "messages": MESSAGES}, "sk-0123456789-mini").status == status
    # Its models have no default.
    assert house.complete({"messages": MESSAGES}, "sk-0123456789-mini").error["code"] == "missing_model"


def test_models_are_listed_and_found_by_their_names(house: House) -> None:
    listed = json.loads(house.ask("GET", "/v1/models").body)["data"]
    assert {model["id"]: model.get("aliases") for model in listed} == {TALKER: ["gpt-4o"], MINI: None}
    for path in ("org/talker", "org%2Ftalker", "phi3:mini", "phi3%3Amini"):
        answer = house.ask("GET", f"/v1/models/{path}")
        assert (answer.status, json.loads(answer.body)["id"]) == (200, TALKER if path.startswith("org") else MINI)
    assert house.openai().models.retrieve(TALKER).id == TALKER
    for path in ("org/../org/talker", "org/talker/..", "org", "org%252Ftalker"):
        assert house.ask("GET", f"/v1/models/{path}").status == 404


def test_counts_say_the_names_that_people_know(house: House) -> None:
    house.complete({"model": MINI, "messages": MESSAGES})
    counts = house.metrics("/metrics/keys")
    assert 'hearth_answers_total{key="all",model="phi3:mini",status="200"}' in counts
    assert 'hearth_requests_open{key="all",model="phi3:mini"} 0' in counts
