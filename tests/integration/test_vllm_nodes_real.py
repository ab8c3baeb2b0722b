# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM itself, on the CPU, serves one model in two parts, each begun as the role begins it on its host. Only where one is named:

    HEARTH_VLLM_PYTHON=VENV/bin/python pytest -s tests/integration/test_vllm_nodes_real.py

Two hosts are two addresses of this machine's loopback. It takes five minutes and 3 GB; tests/lab/README.md says how vLLM is installed.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan
from integration.conftest import PROJECT

PYTHON = os.environ.get("HEARTH_VLLM_PYTHON", "")
ROLE = PROJECT / "roles/vllm"
PORT, MEETING = 18200, 28000
KEY = secrets.token_hex(16)
PLACES = {"gpu1": {"address": "127.0.0.2", "interface": "lo"}, "gpu2": {"address": "127.0.0.3", "interface": "lo"}}
# Of the CPU's own: the role has them from `options`.
OPTIONS = {
    "dtype": "float32",
    "enforce-eager": True,
    "enable-prefix-caching": False,
    "max-num-batched-tokens": 1024,
    # Each layer is shared out, and not the layers: that ends 0.32.0 on a CPU with the first request, for the second part has no room for what the first
    # one hands on (AssertionError in sync_and_gather_intermediate_tensors of v1/worker/gpu_model_runner.py).
    "tensor-parallel-size": 2,
    "pipeline-parallel-size": 1,
}
MODEL = {"name": "chat", "nodes": list(PLACES), "context_tokens": 1024, "slots": 2, "options": OPTIONS}
SECONDS = 900

pytestmark = pytest.mark.skipif(not PYTHON, reason="HEARTH_VLLM_PYTHON names no Python that has vLLM")


class Part:
    """A host's service, without its container."""

    def __init__(self, host: str, directory: Path) -> None:
        image = str(yaml.safe_load((ROLE / "defaults/main.yml").read_text())["vllm_image"])
        plan = engine_plan(
            [MODEL],
            "vllm",
            node=host,
            places=PLACES,
            node_port=MEETING,
            address=PLACES[host]["address"],
            port=PORT,
            paths={"chat": str(PROJECT / "files/models/hearth-mini")},
            fingerprints={"chat": "abc"},
            build=image,
        )
        self.asked = plan["questions"]
        (service,) = plan["services"] or plan["parts"]
        self.directory = directory / host
        for file in service["files"]:
            path = self.directory / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"])
        (self.directory / "closed_paths.py").write_text((ROLE / "files/closed_paths.py").read_text())
        (self.directory / "api_key.yaml").write_text(json.dumps({"api-key": [KEY]}))
        given = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__vllm_environment"]
        environment = {
            **os.environ,
            **given,
            "HOME": str(self.directory),
            "PYTHONPATH": str(self.directory),
            "PATH": f"{Path(PYTHON).parent}:{os.environ['PATH']}",
            "VLLM_CPU_KVCACHE_SPACE": "1",
        }
        words = [
            word.replace("{config}", str(self.directory)) for word in [*service["entrypoint"], *service["command"]]
        ]
        self.log = self.directory / "log"
        with self.log.open("w") as log:
            # Of its own directory, so that nothing that lies elsewhere is imported.
            self.process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=self.directory)

    def workers(self) -> list[int]:
        """Processes of the part that compute."""
        found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        rank = (self.asked and "TP0") or "TP1"
        return [int(line.split()[0]) for line in found.splitlines() if re.search(rf"VLLM::Worker_{rank}\b", line)]

    def said(self, words: str) -> int:
        return self.log.read_text(errors="replace").count(words)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Part, Part]]:
    directory = tmp_path_factory.mktemp("nodes")
    # The second host is there before the first one.
    second = Part("gpu2", directory)
    first = Part("gpu1", directory)
    try:
        yield first, second
    finally:
        for part in (first, second):
            part.process.terminate()
        for part in (first, second):
            part.process.wait(90)


def ask(path: str, content: object = None, address: str = "127.0.0.2") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, port_of_chat(), timeout=120)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    connection.request("POST" if content else "GET", path, json.dumps(content) if content else None, headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def port_of_chat() -> int:
    return int(engine_plan([{"name": "chat"}], "vllm", port=PORT)["ports"]["chat"])


def completion() -> str:
    question = {
        "model": "chat",
        "messages": [{"role": "user", "content": "Who are you?"}],
        "max_tokens": 30,
        "temperature": 0,
    }
    status, body = ask("/v1/chat/completions", question)
    assert status == 200, body
    return str(json.loads(body)["choices"][0]["message"]["content"])


def until(what: Callable[[], bool], parts: tuple[Part, Part]) -> float:
    began = time.monotonic()
    while time.monotonic() < began + SECONDS:
        assert all(part.process.poll() is None for part in parts)
        try:
            if what():
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError("".join(part.log.read_text(errors="replace")[-3000:] for part in parts))


def listening() -> set[str]:
    """The addresses at which processes of vLLM listen, each with its port, but for those that the kernel gave away at loopback."""
    found = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True, check=True).stdout
    return {line.split()[3] for line in found.splitlines() if re.search(r'\(\("(VLLM|vllm|pt_)', line)}


def test_both_parts_answer_together_and_come_back_when_one_of_them_dies(parts: tuple[Part, Part]) -> None:
    first, second = parts
    print(f"up after {until(lambda: ask('/health')[0] == 200, parts):.0f} s")
    assert "hearth-mini" in completion()
    assert ask("/v1/models", address="127.0.0.2")[0] == 200
    print("listening:", *sorted(listening()))
    print("workers:", first.workers(), second.workers())
    # Only the first host's part has an API.
    with pytest.raises(ConnectionError):
        ask("/health", address="127.0.0.3")

    # vLLM's parts watch the processes of their own host alone; here all begin anew.
    (lost,) = second.workers()
    os.kill(lost, signal.SIGKILL)
    gone = until(lambda: first.said("Another host is lost, or its part has ended") == 1, parts)
    back = until(lambda: first.said("All hosts are there") == 2 and ask("/health")[0] == 200, parts)
    print(f"a part was killed: known to the other host after {gone:.1f} s, answers again {back:.0f} s later")
    assert "hearth-mini" in completion()
