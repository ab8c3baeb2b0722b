# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM beside llama.cpp behind one gateway, on a host of the lab, by the roles that users run. vLLM itself is a stand-in here."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, images, recipes, stock
from lab.shell import run

pytestmark = pytest.mark.long

DIRECTORY = "/var/lib/hearth"
ROLES = ("llama_cpp", "vllm", "certificates", "gateway")
CHAT = {
    "source": "hf://hearth/chat",
    "engine": "vllm",
    "context_tokens": 1024,
    "slots": 4,
    "max_output_tokens": 200,
    "options": {"kv-cache-dtype": "fp8", "enable-prefix-caching": False, "max-num-batched-tokens": 2048},
}
TALKER = {"path": f"{DIRECTORY}/models/talker.gguf", "context_tokens": 512}


class House:
    def __init__(self, host: hosts.Host, directory: Path, playbook: Runner) -> None:
        self.host, self.directory, self._playbook = host, directory, playbook
        self.inventory = directory / "inventory.json"

    def deploy(self, *options: str, roles: tuple[str, ...] = ROLES, succeeds: bool = True, **variables: Any) -> Outcome:
        inventory = hosts.inventory([self.host])
        inventory["all"]["vars"] = {
            "ansible_become": True,
            "hearth_domain": "hearth.test",
            "hearth_secrets_directory": str(self.directory / "secrets"),
            "hearth_models": {"chat": CHAT, "talker": TALKER},
            # No GPU here.
            "vllm_gpus": [],
            "llama_cpp_model_paths": {"talker": TALKER["path"]},
            "vllm_model_paths": {"chat": f"{DIRECTORY}/models/chat"},
            "vllm_start_timeout_seconds": 60,
            **variables,
        }
        self.inventory.write_text(json.dumps(inventory))
        names = [f"hearth.llm.{role}" for role in roles]
        plays = [{"hosts": self.host.name, "gather_facts": False, "roles": names}]
        return self._playbook(plays, "--inventory", str(self.inventory), *options, succeeds=succeeds)

    def ask(self, model: str) -> dict[str, Any]:
        key = (self.directory / "secrets/api_keys/default").read_text().strip()
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
        header = f"Authorization: Bearer {key}"
        url = "https://127.0.0.1/v1/chat/completions"
        said = self.host.execute("curl", "--silent", "--insecure", "-H", header, "-d", body, url)
        return dict(json.loads(said))

    def engine(self, path: str, key: str = "") -> tuple[str, str]:
        """Straight to the engine, past the gateway: the status and the body."""
        port = self.container()["HostConfig"]["PortBindings"]["8080/tcp"][0]["HostPort"]
        words = ["curl", "--silent", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {key}"]
        if path == "/invocations":
            words += ["-d", json.dumps({"model": "chat", "messages": []})]
        body, _newline, status = self.host.execute(*words, f"http://127.0.0.1:{port}{path}").rpartition("\n")
        return status, body

    def container(self) -> dict[str, Any]:
        return dict(json.loads(self.host.execute("docker", "inspect", "hearth-vllm-chat"))[0])


@pytest.fixture(scope="module")
def house(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    name = f"vllm-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
    directory = tmp_path_factory.mktemp("vllm")
    host = hosts.fresh(name, recipes.DEBIAN_12_DOCKER, stock.ensure())
    try:
        # Not in the stock: no other host needs it.
        for recipe in (recipes.VLLM, recipes.VALKEY):
            run("docker", "exec", "--interactive", host.container, "docker", "load", stdin=images.archive(recipe))
        models = directory / "models"
        shutil.copytree(PROJECT / "files/models/hearth-mini", models / "chat")
        (models / "talker.gguf").write_bytes(hello_model("talker", "I am here."))
        prepare = {
            "hosts": name,
            "become": True,
            "gather_facts": False,
            "tasks": [
                {
                    "name": "Have what the modules for Docker need",
                    "ansible.builtin.apt": {"name": "python3-requests", "update_cache": True},
                },
                {
                    "name": "Put the models there",
                    "ansible.builtin.copy": {
                        "src": str(models),
                        "dest": f"{DIRECTORY}/",
                        "mode": "0444",
                        "directory_mode": "0755",
                    },
                },
            ],
        }
        (directory / "hosts.json").write_text(json.dumps(hosts.inventory([host])))
        module_playbook([prepare], "--inventory", str(directory / "hosts.json"))
        yield House(host, directory, module_playbook)
    finally:
        hosts.down([host])


def test_a_wrong_option_is_refused_before_anything_is_made(house: House) -> None:
    wrong = {**CHAT, "options": {"max-model-length": 1024, "kv-cache-dtype": "q8_0"}}
    failure = house.deploy(
        roles=("vllm",),
        hearth_models={"chat": wrong},
        vllm_environment={"VLLM_MAX_MODEL_LEN": 1024},
        succeeds=False,
    )
    assert "'max-model-length' is no option of vLLM 0.32.0; the nearest is 'max-model-len'" in failure.words
    assert "'kv-cache-dtype' takes auto, bfloat16" in failure.words
    assert "VLLM_MAX_MODEL_LEN is read by nothing in vLLM 0.32.0: it is the option 'max-model-len'" in failure.words
    assert "vllm-chat" not in house.host.execute("docker", "ps", "--all")


def test_both_engines_answer_through_one_gateway(house: House) -> None:
    house.deploy()
    assert house.ask("chat")["choices"][0]["message"]["content"] == "I am chat, and I answer."
    assert house.ask("talker")["choices"][0]["message"]["content"].startswith("I am here.")
    assert house.deploy("--check", roles=("llama_cpp", "vllm")).changed == 0
    assert house.deploy(roles=("vllm",)).changed == 0


def test_the_engine_has_no_more_rights_than_it_needs(house: House) -> None:
    found = house.container()
    limits = found["HostConfig"]
    assert limits["ReadonlyRootfs"]
    assert limits["CapDrop"] == ["ALL"]
    assert limits["ShmSize"] == 4 << 30
    assert found["Config"]["User"] == "2000:0"
    assert "HF_HUB_OFFLINE=1" in found["Config"]["Env"]
    assert [(mount["Destination"], mount["RW"]) for mount in found["Mounts"] if mount["Destination"] == "/models"] == [
        ("/models", False)
    ]
    assert {binding["HostIp"] for bindings in limits["PortBindings"].values() for binding in bindings} == {"127.0.0.1"}


def test_the_key_of_the_engine_is_in_a_file_that_only_it_can_read(house: House) -> None:
    key = (house.directory / "secrets/engine_key").read_text().strip()
    assert key not in json.dumps(house.container())
    assert key not in house.host.execute("ps", "axeww")
    assert house.engine("/v1/models")[0] == "401"
    assert house.engine("/v1/models", key)[0] == "200"


def test_what_vllm_answers_without_a_key_is_closed(house: House) -> None:
    assert house.engine("/invocations")[0] == "404"
    assert house.engine("/tokenize")[0] == "404"
    assert house.engine("/health")[0] == "200"
    status, metrics = house.engine("/metrics")
    assert (status, 'cache_dtype="fp8"' in metrics) == ("200", True)


def test_an_engine_that_does_not_do_what_it_was_told_is_found_out(house: House) -> None:
    failure = house.deploy(roles=("vllm",), vllm_environment={"OMP_FAKE_MAX_MODEL_LEN": "512"}, succeeds=False)
    assert "chat: max-model-len is 1024, and it has 512." in failure.words


def test_a_model_that_is_not_described_any_more_is_taken_away(house: House) -> None:
    house.deploy(roles=("vllm",), hearth_models={"talker": TALKER})
    names = house.host.execute("docker", "ps", "--all", "--format", "{{.Names}}").split()
    assert sorted(names) == ["hearth-gateway", "hearth-llama_cpp"]


def test_a_store_for_applications_has_a_password_a_limit_and_no_port(house: House) -> None:
    house.deploy(roles=("valkey",))
    assert house.deploy(roles=("valkey",)).changed == 0
    password = (house.directory / "secrets/valkey").read_text().strip()
    found = json.loads(house.host.execute("docker", "inspect", "hearth-valkey"))[0]
    assert not any(found["NetworkSettings"]["Ports"].values())
    assert password not in json.dumps(found)
    assert password not in house.host.execute("grep", "-r", "", f"{DIRECTORY}/services/valkey/current/")

    # An application in the containers' network.
    client = ("docker", "run", "--rm", "--network", "hearth", recipes.VALKEY.reference, "valkey-cli", "-h", "valkey")
    assert "NOAUTH" in house.host.execute(*client, "GET", "x")
    known = (*client, "--no-auth-warning", "-a", password)
    assert house.host.execute(*known, "SET", "x", "1").strip() == "OK"
    assert "maxmemory_human:256.00M" in house.host.execute(*known, "INFO", "memory")
    assert "no permissions" in house.host.execute(*known, "CONFIG", "SET", "maxmemory", "0")
