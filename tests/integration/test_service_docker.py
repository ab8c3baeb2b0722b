# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role service, provider docker, with the real Docker on a host of the lab: what fails goes back, by its own words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.tools.hello_model import seer
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from ansible_collections.hearth.llm.tools.hello_model.overlap import overlap_model
from integration.conftest import Outcome, Runner
from integration.model_play import until
from lab import hosts, recipes, stock

DIRECTORY = "/var/lib/hearth"
IMAGE = "ghcr.io/ggml-org/llama.cpp:server-b11176"
ONLY_THE_ENGINE_REFUSES = {"LLAMA_ARG_THREADS": "many"}


class Router:
    """llama-server in a container, as the role llama_cpp describes it."""

    def __init__(self, host: hosts.Host, inventory: Path, playbook: Runner, secrets: Path) -> None:
        self.host = host
        self._inventory, self._playbook, self._secrets = inventory, playbook, secrets

    def describe(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        play = {
            "hosts": self.host.name,
            "become": True,
            "gather_facts": False,
            "vars": {
                "hearth_secrets_directory": str(self._secrets),
                "llama_cpp_models": [{"name": "talker", "path": f"{DIRECTORY}/models/talker.gguf"}],
                **variables,
            },
            "roles": ["hearth.llm.llama_cpp"],
        }
        try:
            return self._playbook([play], "--inventory", str(self._inventory), *options, succeeds=succeeds)
        finally:
            # Shown where a test fails: what Docker itself says of it.
            print(self.host.execute("journalctl", "--unit=docker", "--no-pager", "--lines=30"))

    def ask(self, path: str, body: dict[str, Any] | None = None, instance: int = 1) -> dict[str, Any]:
        key = (self._secrets / "engine_key").read_text().strip()
        data = ["--data", json.dumps(body)] if body else []
        header = f"Authorization: Bearer {key}"
        url = f"http://127.0.0.1:{18079 + instance}{path}"
        return dict(json.loads(self.host.execute("curl", "--silent", "--header", header, *data, url)))

    def models(self, instance: int = 1) -> list[dict[str, Any]]:
        return list(self.ask("/v1/models", instance=instance)["data"])

    def state(self, model: str, instance: int = 1) -> str:
        """Of an instance of a model, which this does not wake."""
        return next(str(one["status"]["value"]) for one in self.models(instance) if one["id"] == model)

    def container(self) -> dict[str, Any]:
        return dict(json.loads(self.host.execute("docker", "inspect", "hearth-llama_cpp"))[0])


@pytest.fixture(scope="module")
def router(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    # Where tests run side by side, each runner has a host of its own.
    name = f"service-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
    directory = tmp_path_factory.mktemp("service")
    host = hosts.fresh(name, recipes.DEBIAN_12_DOCKER, stock.ensure())
    try:
        (directory / "hosts.json").write_text(json.dumps(hosts.inventory([host])))
        files = {
            "talker": hello_model("talker", "I am here."),
            "seer": seer.seeing_model(),
            "eyes": seer.projector(),
            "ranker": overlap_model(),
        }
        for stem, content in files.items():
            (directory / f"{stem}.gguf").write_bytes(content)
        models = {
            "hosts": name,
            "become": True,
            "gather_facts": False,
            "tasks": [
                # As the role docker has it.
                {
                    "name": "Have what the modules for Docker need",
                    "ansible.builtin.apt": {"name": "python3-requests", "update_cache": True},
                },
                {
                    "name": "Make the directory",
                    "ansible.builtin.file": {"path": f"{DIRECTORY}/models", "state": "directory", "mode": "0755"},
                },
                {
                    "name": "Put the models there",
                    "ansible.builtin.copy": {
                        "src": f"{directory}/{{{{ item }}}}.gguf",
                        "dest": f"{DIRECTORY}/models/",
                        "mode": "0444",
                    },
                    "loop": list(files),
                },
            ],
        }
        module_playbook([models], "--inventory", str(directory / "hosts.json"))
        yield Router(host, directory / "hosts.json", module_playbook, directory / "secrets")
    finally:
        hosts.down([host])


def test_an_option_that_the_image_does_not_have_is_refused_before_anything_is_made(router: Router) -> None:
    # A tag that says no build: no list is kept of it, so the image itself is asked.
    unknown = "registry.example/mine/llama-server:1"
    router.host.execute("docker", "tag", IMAGE, unknown)
    failure = router.describe(llama_cpp_image=unknown, llama_cpp_options={"flash-atn": "on"}, succeeds=False)
    assert "talker: 'flash-atn' is no option of llama.cpp" in failure.words
    assert "the nearest is 'flash-attn'" in failure.words
    assert failure.changed == 0

    missing = router.describe("--check", llama_cpp_image="registry.example/mine/llama-server:2")
    assert "No list is kept of the options of registry.example/mine/llama-server:2" in missing.words


def test_an_engine_that_never_came_up_says_why_and_does_not_stay(router: Router) -> None:
    failure = router.describe(llama_cpp_environment=ONLY_THE_ENGINE_REFUSES, succeeds=False)
    assert 'error while handling environment variable "LLAMA_ARG_THREADS"' in failure.words
    assert "There is no earlier configuration to go back to" in failure.words
    assert "hearth-llama_cpp" not in router.host.execute("docker", "ps", "--all")


def test_a_port_that_is_taken_is_told_with_what_to_do(router: Router) -> None:
    other = ("--name=other", "--publish=127.0.0.1:18080:8080", "--entrypoint=sleep")
    router.host.execute("docker", "run", "--detach", *other, IMAGE, "600")
    failure = router.describe(succeeds=False)
    router.host.execute("docker", "rm", "--force", "other")
    assert "port is already allocated" in failure.words
    assert "Find out who has that port" in failure.words


def test_a_configuration_that_does_not_come_up_is_replaced_by_the_one_that_worked(router: Router) -> None:
    router.describe()
    before = router.container()
    assert router.describe().changed == 0
    assert router.container()["Id"] == before["Id"]

    failure = router.describe(llama_cpp_environment=ONLY_THE_ENGINE_REFUSES, succeeds=False)
    assert 'error while handling environment variable "LLAMA_ARG_THREADS"' in failure.words
    assert "The configuration that worked before is running again." in failure.words
    after = router.container()
    assert after["State"]["Running"]
    assert after["Config"]["Cmd"] == before["Config"]["Cmd"]
    assert after["Config"]["Labels"] == before["Config"]["Labels"]

    # What is put back is what the description had: nothing is left to do.
    assert router.describe().changed == 0
    assert router.describe("--check").changed == 0


def test_a_router_serves_every_task_and_lets_an_idle_model_sleep(router: Router) -> None:
    paths = {name: f"{DIRECTORY}/models/{name}.gguf" for name in ("talker", "seer", "ranker")}
    models: list[dict[str, Any]] = [
        {"name": "talker", "path": paths["talker"], "idle_unload_seconds": 2, "context_tokens": 512},
        {"name": "seer", "path": paths["seer"], "context_tokens": 512, "instances": {"max": 2}},
        {"name": "ranker", "path": paths["ranker"], "task": "rerank", "context_tokens": 256},
    ]
    # The role itself shows the one a picture, and has the other rank documents.
    projectors = {"seer": f"{DIRECTORY}/models/eyes.gguf"}
    router.describe(llama_cpp_models=models, llama_cpp_model_projectors=projectors)
    told = {model["id"]: model["status"]["args"] for model in router.models()}
    assert told["seer"][told["seer"].index("--mmproj") + 1] == "/models/eyes.gguf"
    assert "--mmproj" not in told["talker"]
    assert "--reranking" in told["ranker"]
    # The second instance of a model is there for whoever asks it, with a router of its own.
    assert [(model["id"], model["status"]["value"]) for model in router.models(2)] == [("seer", "unloaded")]
    question = {"model": "seer", "messages": [{"role": "user", "content": "?"}], "max_tokens": 1}
    router.ask("/v1/chat/completions", question, instance=2)
    assert router.state("seer", 2) == "loaded"

    until(lambda: router.state("talker") == "sleeping", "the model goes to sleep")
    assert router.state("seer") == "loaded"
    # A second run asks for it, and with that it is there again.
    assert router.describe(llama_cpp_models=models, llama_cpp_model_projectors=projectors).changed == 0

    def wakes() -> bool:
        router.ask("/v1/chat/completions", {"model": "talker", "messages": [{"role": "user", "content": "?"}]})
        return router.state("talker") == "loaded"

    until(wakes, "it is seen awake before it sleeps again")
