# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model split over two hosts of the lab by real llama.cpp: it answers, is refused with another build, and comes back with a worker that was lost.

The roles by themselves, without a tunnel. It takes some minutes, and is run by HEARTH_TEST_FLEET=1.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT, Outcome, Runner
from integration.model_play import until
from lab import hosts, images, recipes, stock
from lab.shell import run

pytestmark = pytest.mark.skipif("HEARTH_TEST_FLEET" not in os.environ, reason="set HEARTH_TEST_FLEET=1")

DIRECTORY = "/var/lib/hearth"
IMAGE = recipes.LLAMA_CPP_RPC.reference
MODEL = {"path": f"{DIRECTORY}/models/hearth-mini.gguf", "rpc": ["WORKER"], "context_tokens": 512}
PORT = 50052


class Pair:
    """A worker, and a head with the gateway before it."""

    def __init__(self, worker: hosts.Host, head: hosts.Host, directory: Path) -> None:
        self.worker, self.head, self.inventory = worker, head, directory / "inventory"
        self.playbook = Runner(directory)
        self.model = {**MODEL, "rpc": [worker.name]}

    def deploy(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        inventory = hosts.inventory([self.worker, self.head])
        for host in (self.worker, self.head):
            # The lab's own network takes the place of a private one.
            inventory["all"]["hosts"][host.name]["hearth_private_address"] = host.address
        inventory["all"]["children"] = {"hearth_rpc_workers": {"hosts": {self.worker.name: {}}}}
        inventory["all"]["vars"] = {
            "ansible_become": True,
            "hearth_domain": "hearth.test",
            "hearth_models": {"large": self.model},
            "hearth_gpu_policy": "none",
            "llama_rpc_image": IMAGE,
            "llama_rpc_limits": {"memory": "1g", "cpus": 0, "pids": 512},
            "llama_cpp_model_paths": {"large": self.model["path"]},
            **variables,
        }
        (self.inventory / "hosts.json").write_text(json.dumps(inventory))
        offer = "{{ [hostvars['%s'].llama_rpc_offer | combine({'name': '%s'})] }}" % ((self.worker.name,) * 2)
        plays = [
            {"hosts": self.worker.name, "gather_facts": False, "roles": ["hearth.llm.llama_rpc"]},
            {
                "hosts": self.head.name,
                "gather_facts": False,
                "vars": {"rpc_offers": offer},
                "roles": [f"hearth.llm.{role}" for role in ("fit", "llama_cpp", "certificates", "gateway")],
            },
        ]
        return self.playbook(plays, *options, succeeds=succeeds)

    def ask(self) -> tuple[int, str, str]:
        """Status, headers and text."""
        key = (self.inventory / ".secrets/api_keys/default").read_text().strip()
        messages = [{"role": "user", "content": "Hello"}]
        body = json.dumps({"model": "large", "messages": messages, "max_tokens": 8, "temperature": 0})
        words = ["curl", "--silent", "--insecure", "--include", "-H", f"Authorization: Bearer {key}", "-d", body]
        said = self.head.execute(*words, "https://127.0.0.1/v1/chat/completions")
        headers, _blank, text = said.replace("\r", "").partition("\n\n")
        return int(headers.split()[1]), headers.lower(), text

    def answers(self) -> bool:
        return self.ask()[0] == 200


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    directory = tmp_path_factory.mktemp("rpc")
    made: list[hosts.Host] = []
    try:
        for kind in ("rpc-worker", "rpc-head"):
            made.append(hosts.fresh(f"{kind}-{number}", recipes.DEBIAN_12_DOCKER, stock.ensure()))
            run(
                "docker",
                "exec",
                "--interactive",
                made[-1].container,
                "docker",
                "load",
                stdin=images.archive(recipes.LLAMA_CPP_RPC),
            )
        prepare = {
            "hosts": "all",
            "become": True,
            "gather_facts": False,
            "tasks": [
                {
                    "name": "Have what the modules for Docker need",
                    "ansible.builtin.apt": {"name": "python3-requests", "update_cache": True},
                },
                {
                    "name": "Make the directory of the models",
                    "ansible.builtin.file": {"path": f"{DIRECTORY}/models", "state": "directory", "mode": "0755"},
                },
                {
                    "name": "Put the model there",
                    "ansible.builtin.copy": {
                        "src": str(PROJECT / "files/models/hearth-mini.gguf"),
                        "dest": f"{DIRECTORY}/models/",
                        "mode": "0444",
                    },
                },
            ],
        }
        pair = Pair(made[0], made[1], directory)
        (pair.inventory / "hosts.json").write_text(json.dumps(hosts.inventory(made)))
        pair.playbook([prepare])
        yield pair
    finally:
        hosts.down(made)


def test_a_worker_at_every_address_is_refused_before_anything_is_made(pair: Pair) -> None:
    failure = pair.deploy("--extra-vars", "llama_rpc_address=0.0.0.0", succeeds=False)
    assert "is every address of the host" in failure.words
    assert "llama_rpc" not in pair.worker.execute("docker", "ps", "--all")


def test_a_split_model_answers_and_a_second_run_changes_nothing(pair: Pair) -> None:
    pair.deploy()
    status, _headers, text = pair.ask()
    assert (status, "Hello! I am" in text) == (200, True)
    # Layers lie with the worker, and its port is open at the one address.
    log = pair.head.execute("docker", "logs", "hearth-llama_cpp-large")
    assert "All workers answer" in log
    assert f"{pair.worker.address}:{PORT}" in pair.worker.execute("ss", "-Hltn", f"sport = :{PORT}")
    assert not pair.worker.succeeds(f"curl --silent --max-time 1 telnet://127.0.0.1:{PORT} </dev/null")
    again = pair.deploy()
    assert again.changed == 0
    assert pair.deploy("--check").changed == 0


def test_what_runs_has_no_more_rights_than_it_needs(pair: Pair) -> None:
    found = json.loads(pair.worker.execute("docker", "inspect", "hearth-llama_rpc"))[0]
    assert found["Config"]["User"] == "65534:65534"
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert found["HostConfig"]["Memory"] == 1 << 30
    assert list(found["NetworkSettings"]["Networks"]) == ["hearth_rpc"]


def test_another_build_is_refused_before_anything_is_stopped(pair: Pair) -> None:
    started = pair.head.execute("docker", "inspect", "--format", "{{.State.StartedAt}}", "hearth-llama_cpp-large")
    other = {f"{pair.worker.address}:{PORT}": "b6123 a1b2c3d"}
    failure = pair.deploy(succeeds=False, llama_cpp_rpc_builds=other)
    assert "runs the build b6123 a1b2c3d of llama.cpp, and the head 0.7.0 b11669" in failure.words
    assert started == pair.head.execute(
        "docker", "inspect", "--format", "{{.State.StartedAt}}", "hearth-llama_cpp-large"
    )


def test_a_lost_worker_is_503_until_it_is_back(pair: Pair) -> None:
    pair.worker.execute("docker", "stop", "--time", "0", "hearth-llama_rpc")
    until(lambda: pair.ask()[0] == 503, "503 without the worker")
    assert "retry-after:" in pair.ask()[1]
    pair.worker.execute("docker", "start", "hearth-llama_rpc")
    back = time.monotonic()
    until(pair.answers, "an answer with the worker")
    print(f"answers came again {time.monotonic() - back:.1f} s after the worker was back")


def test_a_program_of_ones_own_uses_the_workers_while_the_head_does_not(pair: Pair) -> None:
    pair.head.execute("docker", "stop", "hearth-llama_cpp-large")
    words = [
        "docker",
        "run",
        "--rm",
        "--volume",
        f"{DIRECTORY}/models:/models:ro",
        "--entrypoint",
        "/app/llama-completion",
        IMAGE,
    ]
    options = [
        "--rpc",
        f"{pair.worker.address}:{PORT}",
        "-ngl",
        "99",
        "-m",
        "/models/hearth-mini.gguf",
        "-no-cnv",
        "-n",
        "4",
    ]
    assert "Say hello." in pair.head.execute(*words, *options, "-p", "Say hello.")
    pair.head.execute("docker", "start", "hearth-llama_cpp-large")
    until(pair.answers, "an answer with the worker")


def test_a_worker_is_removed_with_its_cache(pair: Pair) -> None:
    play = {
        "hosts": pair.worker.name,
        "become": True,
        "gather_facts": False,
        "tasks": [{"ansible.builtin.include_role": {"name": "hearth.llm.llama_rpc", "tasks_from": "remove"}}],
    }
    pair.playbook([play])
    assert "llama_rpc" not in pair.worker.execute("docker", "ps", "--all")
    assert not pair.worker.succeeds(f"test -e {DIRECTORY}/rpc_cache")
