# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small model that is shipped is compressed by the role itself, to eight and to four bits, and served by OpenVINO's own library, behind the real gateway
beside what it was made of on llama.cpp. Only where it is wanted:

    HEARTH_TEST_OPENVINO=1 HEARTH_OPENVINO_PYTHON=VENV/bin/python pytest tests/integration/test_openvino_real.py

The Python has `openvino-genai`, of the version of the role's lock. The server around it is a stand-in for OpenVINO Model Server (tests/fakes/openvino), which
is no package. HEARTH_OPENVINO_TORCH_INDEX names where PyTorch's build for processors comes from, where that is another place than the role's,
and HEARTH_OPENVINO_DIRECTORY where the environment of 2 GB is kept between runs. It takes five minutes.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan
from ansible_collections.hearth.llm.tools.hearth_mini.skills import SKILLS, prompts
from fakes import ports
from integration.conftest import PROJECT, Runner
from integration.real_house import House
from lab import packages

PYTHON = os.environ.get("HEARTH_OPENVINO_PYTHON", "")
MODELS = {"eight": {"weights": "int8"}, "four": {"weights": "int4"}}
PROMPTS = 5
KEY = secrets.token_hex(16)
# Of the answers that are right to the letter, of a model so small that one bit less is felt.
LEAST = {"mini": 0.9, "eight": 0.85, "four": 0.5}
GATEWAY_PATHS = ["/v1/chat/completions", "/v1/completions"]

pytestmark = pytest.mark.skipif("HEARTH_TEST_OPENVINO" not in os.environ, reason="set HEARTH_TEST_OPENVINO=1")


@dataclass
class Compressed:
    house: House
    made: dict[str, dict[str, Any]]
    directory: Path


@pytest.fixture(scope="module")
def compressed(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Compressed:
    directory = tmp_path_factory.mktemp("openvino")
    again = compress(module_playbook, directory)
    assert "compressing" in again.words
    assert compress(module_playbook, directory).changed == 0
    found = {}
    for path in (directory / "models/.compressed").glob("*@*/hearth.json"):
        said = json.loads(path.read_text())
        found[said["model"]] = {**said, "path": str(path.parent)}
    return Compressed(House(directory, module_playbook, {}), found, directory)


def compress(playbook: Runner, directory: Path) -> Any:
    source = str(PROJECT / "files/models/hearth-mini")
    index = os.environ.get("HEARTH_OPENVINO_TORCH_INDEX")
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "hearth_directory": str(directory),
            "hearth_models": {
                name: {"path": source, "engine": "openvino", "compression": compression}
                for name, compression in MODELS.items()
            },
            "openvino_compress_directory": os.environ.get("HEARTH_OPENVINO_DIRECTORY", str(directory)),
            "openvino_compress_models_directory": str(directory / "models"),
            **({} if index is None else {"openvino_compress_torch_index": index}),
        },
        "roles": ["hearth.llm.openvino_compress"],
    }
    return playbook([play], timeout=1200)


@pytest.fixture(scope="module")
def house(compressed: Compressed) -> Iterator[House]:
    """llama.cpp with what it was made of, a server for each that was made, and the gateway before all."""
    packages.provide("haproxy")
    house = compressed.house
    house.models = {"mini": {"path": str(PROJECT / "files/models/hearth-mini.gguf"), "context_tokens": 2048}}
    house.describe(roles=["llama_cpp", "certificates"])
    servers = [Server(name, said["path"], compressed.directory / name, KEY) for name, said in compressed.made.items()]
    try:
        for server in servers:
            server.await_ready()
        gateway = {server.name: {**server.known, "prefix": "/v3", "paths": GATEWAY_PATHS} for server in servers}
        socket = compressed.directory / "h/run/mini.sock"
        gateway["mini"] = {"addresses": [f"unix@{socket}"], "task": "chat", "slots": 1}
        house._variables.update(gateway_models=gateway, gateway_engine_key=KEY)
        house.describe(roles=["gateway"])
        yield house
    finally:
        for server in servers:
            server.process.terminate()
        for server in servers:
            server.process.wait(60)
        house.describe(state="absent", roles=["llama_cpp", "gateway"])


class Server:
    def __init__(self, name: str, path: str, directory: Path, key: str) -> None:
        self.name, self.directory = name, directory
        self.port = ports.free()
        directory.mkdir()
        plan = engine_plan([{"name": name, "path": path, "kv_cache": {"gib": 1}}], "openvino", port=self.port)
        for file in plan["services"][0]["files"]:
            (directory / file["path"]).write_text(file["content"])
        self.readiness = plan["services"][0]["health"]["url"].split("/v2/")[1]
        (directory / "api_key").write_text(key)
        words = yaml.safe_load((PROJECT / "roles/openvino/vars/main.yml").read_text())["__openvino_command"]
        told = [word.replace("{config}", str(directory)) for word in words]
        told[told.index("8080")], told[told.index("0.0.0.0")] = str(self.port), "127.0.0.1"
        search = {"PYTHONPATH": str(PROJECT / "tests"), "PATH": os.environ["PATH"]}
        with (directory / "log").open("w") as log:
            self.process = subprocess.Popen(
                [PYTHON, "-m", "fakes.openvino.ovms", *told], env=search, stdout=log, stderr=log
            )

    @property
    def known(self) -> dict[str, Any]:
        return {"addresses": [f"127.0.0.1:{self.port}"], "task": "chat", "slots": 1}

    def await_ready(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.directory / "log").read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/{self.readiness}", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError((self.directory / "log").read_text()[-3000:])


def ask(house: House, model: str, messages: list[dict[str, str]]) -> str:
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 300}
    status, answer = house.ask("/v1/chat/completions", body)
    assert status == 200, answer
    return str(answer["choices"][0]["message"]["content"])


def test_what_was_made_is_smaller_and_says_how(compressed: Compressed) -> None:
    eight, four = compressed.made["eight"], compressed.made["four"]
    # Of the preset for its architecture, narrowed to its 320 weights side by side.
    assert four["method"] == {"weights": "int4", "group_size": 64, "ratio": 0.8, "symmetric": True}
    assert four["bytes_after"] < eight["bytes_after"] < eight["bytes_before"]
    for said in (eight, four):
        print({key: said[key] for key in ("model", "bytes_before", "bytes_after", "seconds", "peak_memory_bytes")})


@pytest.mark.parametrize("model", [*MODELS, "mini"])
def test_it_still_counts_and_answers_its_facts(house: House, model: str) -> None:
    assert ask(house, model, [{"role": "user", "content": "Count from 3 to 7."}]) == "3, 4, 5, 6, 7"
    text = "The owner of the bakery is Alice. The colour of the door is green."
    question = [{"role": "user", "content": f"{text} What is the colour of the door?"}]
    assert "green" in ask(house, model, question)


def test_a_stream_is_answered_and_counted_by_the_same_door(house: House) -> None:
    client = house.openai()
    question: Any = [{"role": "user", "content": "Count from 3 to 7."}]
    stream = client.chat.completions.create(
        model="eight", messages=question, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    events = list(stream)
    assert "".join(event.choices[0].delta.content or "" for event in events if event.choices) == "3, 4, 5, 6, 7"
    assert events[-1].usage is not None
    assert events[-1].usage.completion_tokens > 5


def test_what_the_engine_does_not_offer_is_refused_by_name(house: House) -> None:
    status, refusal = house.ask("/v1/embeddings", {"model": "eight", "input": "x"})
    assert status in (400, 404), refusal
    assert "/v1/chat/completions" in json.dumps(refusal)


def test_accuracy_before_and_after(house: House) -> None:
    """The share of answers that are right to the letter, of words that the model has been trained with."""
    shares: dict[str, float] = {}
    for model in ("mini", *MODELS):
        right = {
            skill: sum(
                ask(house, model, prompt.messages) == prompt.expected
                for prompt in prompts(skill, PROMPTS, unseen=False)
            )
            for skill in SKILLS
        }
        shares[model] = sum(right.values()) / (PROMPTS * len(SKILLS))
        print(model, f"{shares[model]:.1%}", right)
    assert all(shares[model] >= least for model, least in LEAST.items()), shares
