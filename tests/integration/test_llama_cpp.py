# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles models and llama_cpp together, with processes: what changes reaches the engine, and what is wrong does not."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from integration.conftest import Outcome, Runner
from lab import packages


class Engine:
    """One served model, and the file that it comes from."""

    def __init__(self, directory: Path, playbook: Runner) -> None:
        self.directory = directory
        self.origin = directory / "origin.gguf"
        self._playbook = playbook

    def describe(self, sentence: str, *, succeeds: bool = True, state: str = "present", **model: Any) -> Outcome:
        content = hello_model("talker", sentence)
        if not self.origin.exists() or self.origin.read_bytes() != content:
            self.origin.write_bytes(content)
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "hearth_runtime": "process",
                "hearth_directory": str(self.directory / "h"),
                "hearth_secrets_directory": str(self.directory / "secrets"),
                "hearth_models": {"talker": {"source": f"file://{self.origin}", **model}},
                "models_lock_file": str(self.directory / "models.lock.yml"),
                "llama_cpp_state": state,
            },
            "roles": ["hearth.llm.models", "hearth.llm.llama_cpp"],
        }
        return self._playbook([play], succeeds=succeeds)

    def say(self) -> str:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.directory / "h/run/talker.sock"))
        body = json.dumps({"messages": [{"role": "user", "content": "Speak."}], "temperature": 0})
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        return str(json.loads(connection.getresponse().read())["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[Engine]:
    packages.provide("libgomp.so.1")
    described = Engine(tmp_path_factory.mktemp("engine"), module_playbook)
    described.describe("I am the first.", context_tokens=512)
    yield described
    described.describe("I am the first.", state="absent")


def test_a_second_run_changes_nothing(engine: Engine) -> None:
    assert engine.say() == "I am the first."
    assert engine.describe("I am the first.", context_tokens=512).changed == 0


def test_an_option_that_the_engine_does_not_know_is_named_and_the_model_goes_on(engine: Engine) -> None:
    failure = engine.describe("I am the first.", context_tokens=512, options={"flash-atn": "on"}, succeeds=False)
    assert "talker: 'flash-atn' is no option of xllamacpp" in failure.words
    assert "the nearest is 'flash-attn'" in failure.words
    assert failure.changed == 0
    assert engine.say() == "I am the first."


def test_what_only_the_engine_can_refuse_is_taken_back(engine: Engine) -> None:
    failure = engine.describe("I am the first.", context_tokens=512, options={"mmproj": "/nowhere"}, succeeds=False)
    assert "'mmproj': /nowhere does not exist or cannot be read" in failure.words
    assert "The configuration that worked before is running again." in failure.words
    assert engine.say() == "I am the first."


def test_new_bytes_under_the_same_name_are_what_is_served(engine: Engine) -> None:
    engine.describe("I am the second.", context_tokens=512)
    assert engine.say() == "I am the second."
