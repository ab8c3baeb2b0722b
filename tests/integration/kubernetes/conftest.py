# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of fakes/kubernetes.py, whose node runs what it is given: the Job for real, a real llama.cpp for each model, and a real HAProxy for the gateway.

It is run by HEARTH_TEST_KUBERNETES=1.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.tools.hearth_mini.answers import served
from fakes.hub import Hub
from fakes.kubernetes import Cluster, Server, status_of
from integration import locked, wheel
from integration.conftest import PROJECT, Outcome, Runner

LOCK = Path(__file__).with_name("kubernetes.txt")
MODEL = PROJECT / "files/models/hearth-mini.gguf"
GROUPS: dict[str, Any] = {"all": {"children": {"hearth_clusters": {"hosts": {"cluster": {}}}}}}
Object = dict[str, Any]


class Node:
    """What becomes of Jobs and Deployments. Addresses of pods are those of this machine."""

    def __init__(self, home: Path) -> None:
        self.home, self.stack = home, ExitStack()
        self.volume = home / "volume"
        self.logs: list[str] = []
        self.engines: dict[str, Path] = {}
        self.gateway: tuple[subprocess.Popen[bytes], int] | None = None
        self.broken = False

    def run(self, one: Object, cluster: Cluster) -> Object:
        name = one["metadata"]["name"]
        if self.broken:
            return {**status_of(one), "readyReplicas": 0, "availableReplicas": 0, "unavailableReplicas": 1}
        if one["kind"] == "Job":
            return self._job(one, cluster)
        if name.startswith("model-"):
            self._engine(name, one)
        elif name == "gateway":
            self._gateway(one, cluster)
        return status_of(one)

    def _job(self, one: Object, cluster: Cluster) -> Object:
        spec = one["spec"]["template"]["spec"]
        config = cluster.found("ConfigMap", one["metadata"]["name"])
        place = self.home / one["metadata"]["name"]
        place.mkdir(exist_ok=True)
        (place / "program.zip").write_bytes(base64.b64decode(config["binaryData"]["program.zip"]))
        told = {**json.loads(config["data"]["models.json"]), "directory": str(self.volume)}
        (place / "models.json").write_text(json.dumps(told))
        (container,) = spec["containers"]
        ended = subprocess.run(
            [sys.executable, *container["command"][1:3], str(place / "models.json")],
            env={"PYTHONPATH": str(place / "program.zip"), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.logs.append(ended.stdout + ended.stderr)
        return {"conditions": [{"type": "Failed" if ended.returncode else "Complete", "status": "True"}]}

    def _engine(self, name: str, one: Object) -> None:
        (container,) = one["spec"]["template"]["spec"]["containers"]
        words = container["args"]
        path = self.volume / words[words.index("--model") + 1].removeprefix("/models/")
        if name not in self.engines:
            self.engines[name] = self.stack.enter_context(served(path, str(wheel.python())))

    def _gateway(self, one: Object, cluster: Cluster) -> None:
        (secret,) = [
            volume["secret"]["secretName"]
            for volume in one["spec"]["template"]["spec"]["volumes"]
            if volume["name"] == "config"
        ]
        place = self.home / secret
        place.mkdir(exist_ok=True)
        for path, text in cluster.found("Secret", secret)["data"].items():
            (place / path).write_bytes(base64.b64decode(text))
        run = self.home / "run"
        run.mkdir(exist_ok=True)
        port = free_port()
        text = (place / "haproxy.cfg").read_text()
        for name, path in self.engines.items():
            text = text.replace(f"{name}:8080", f"unix@{path}")
        text = text.replace("bind :8443", f"bind 127.0.0.1:{port}").replace(
            "bind :8404", f"bind 127.0.0.1:{free_port()}"
        )
        text = text.replace("/tmp/_", f"{run}/_").replace("/var/lib/hearth", str(run))
        (place / "haproxy.cfg").write_text(text)
        judged = subprocess.run(
            ["haproxy", "-c", "-f", str(place / "haproxy.cfg")], capture_output=True, text=True, check=False
        )
        assert judged.returncode == 0, judged.stdout + judged.stderr
        if self.gateway:
            self.gateway[0].terminate()
            self.gateway[0].wait(30)
        log = self.stack.enter_context((self.home / "haproxy.log").open("ab"))
        process = subprocess.Popen(["haproxy", "-W", "-db", "-f", str(place / "haproxy.cfg")], stdout=log, stderr=log)
        self.gateway = process, port
        end = time.monotonic() + 30
        while not answers(port):
            assert process.poll() is None, (self.home / "haproxy.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.1)

    def close(self) -> None:
        if self.gateway:
            self.gateway[0].terminate()
            self.gateway[0].wait(30)
        self.stack.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def kubeconfig(path: Path, url: str) -> Path:
    named = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **named, "current-context": "c"}))
    return path


class House:
    """A controller with a description, a cluster, and a hub."""

    def __init__(self, home: Path, playbook: Runner, cluster: Cluster, node: Node, url: str, hub: Hub) -> None:
        self.home, self.playbook, self.cluster, self.node, self.hub = home, playbook, cluster, node, hub
        self.packages = next(locked.python(LOCK).parents[1].glob("lib/python*/site-packages"))
        hub.publish("hearth/mini", {"hearth-mini.gguf": MODEL.read_bytes()})
        self.kubeconfig = kubeconfig(home / "kubeconfig", url)
        (home / "inventory/groups.json").write_text(json.dumps(GROUPS))
        self.description: dict[str, Any] = {
            "hearth_runtime": "kubernetes",
            "hearth_domain": "llm.example.com",
            "hearth_hub_endpoint": hub.url,
            "hearth_kubernetes": {"kubeconfig": str(self.kubeconfig), "storage": "10G"},
            "hearth_models": {
                "hearth-mini": {
                    "source": "hf://hearth/mini/hearth-mini.gguf",
                    "pod": {"cpus": 1, "memory": "512MiB"},
                }
            },
            "hearth_api_keys": [{"name": "office"}],
        }

    def __call__(self, play: str, *options: str, succeeds: bool = True, **changes: Any) -> Outcome:
        self.playbook.hosts({"cluster": {**self.description, **changes}})
        path = PROJECT / f"playbooks/{play}.yml"
        return self.playbook(path, *options, succeeds=succeeds, variables={"PYTHONPATH": str(self.packages)})

    def secrets(self) -> list[str]:
        """What must be in no output: keys, and the line of each private key that has nothing of the public one."""
        place = self.home / "inventory/.secrets"
        texts = [path.read_text() for path in (place / "engine_key", *place.glob("api_keys/*"))]
        lines = [line for path in place.glob("tls/**/*.key") for line in path.read_text().splitlines()[1:2]]
        assert texts
        assert lines
        return [text.strip() for text in texts] + lines


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    node = Node(home)
    cluster = Cluster(node.run)
    with Server(cluster) as url, Hub(home / "hub") as hub:
        yield House(home, Runner(home), cluster, node, url, hub)
    node.close()
