# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same with the runtime `docker`, on a host of the lab, which trusts the hub as hosts of a company trust the company's servers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from fakes.hub import Hub
from integration.conftest import Runner
from integration.first_request import Host
from integration.model_play import until
from lab import authority, hosts, images, network, recipes, stock
from lab.shell import run

DIRECTORY = "/var/lib/hearth"


class ContainerHost(Host):
    def __init__(self, directory: Path, run_playbook: Runner, hub: Hub, host: hosts.Host) -> None:
        super().__init__(directory, run_playbook, hub)
        self.host, self.name, self.address, self.port = host, host.name, host.address, 443
        (directory / "hosts.json").write_text(json.dumps(hosts.inventory([host])))

    def own_variables(self) -> dict[str, Any]:
        return {"ansible_become": True, "hearth_runtime": "docker", "hearth_directory": DIRECTORY}

    def describe(self, models: Any, *roles: str, options: Any = (), **variables: Any) -> Any:
        where = ("--inventory", str(self.directory / "hosts.json"))
        return super().describe(models, *roles, options=(*where, *options), **variables)

    def shell(self, command: str) -> str:
        return self.host.shell(command)

    def succeeds(self, command: str) -> bool:
        return self.host.succeeds(command)

    def state(self, name: str = "") -> Any:
        path = f"/models/{identifier(name)}" if name else "/models"
        return json.loads(self.shell(f"curl -s --unix-socket {DIRECTORY}/run/fetcher/fetcher.sock http://x{path}"))

    def router(self) -> dict[str, str]:
        """What each model does, as the router calls it."""
        key = shlex.quote((self.directory / "secrets/engine_key").read_text().strip())
        listing = json.loads(self.shell(f"curl -s -H 'Authorization: Bearer '{key} http://127.0.0.1:18080/models"))
        return {entry["id"]: entry["status"]["value"] for entry in listing["data"]}

    def is_there(self, name: str) -> bool:
        return self.succeeds(f"test -e {DIRECTORY}/models/{identifier(name)}/model.gguf")

    def marks(self) -> set[str]:
        return set(self.shell(f"ls {DIRECTORY}/run/fetcher/present").split())

    def sections(self, marks: set[str]) -> set[str]:
        """What the router calls these."""
        told = json.loads(self.shell(f"cat {DIRECTORY}/services/fetcher/current/models.json"))["models"]
        return {told[mark]["section"] for mark in marks}

    def log(self, service: str) -> str:
        return self.shell(f"docker logs hearth-{service} 2>&1")

    def container(self, service: str) -> dict[str, Any]:
        return dict(json.loads(self.shell(f"docker inspect hearth-{service}"))[0])


def left_over(host: ContainerHost, *, loaded: int, disk_bytes: int, always: Sequence[str] = ()) -> list[str]:
    """What of requests that have ended is still there: places of the gateway, models without one, files and processes."""
    until(lambda: _is_idle(host), "the last answers have ended")
    running = {name for name, value in host.router().items() if value != "unloaded"}
    children = len(host.shell("docker top hearth-llama_cpp -eo pid").split()) - 2
    taken = int(host.shell(f"du -s --block-size=1 {DIRECTORY}/models").split()[0])
    findings = {
        f"{len(running)} loaded models": len(running) > loaded or running != {*always, *host.sections(host.marks())},
        f"{children} processes for {len(running)} models": children != len(running),
        f"{taken} bytes": taken > disk_bytes,
        "files that were begun": bool(host.shell(f"find {DIRECTORY}/models -name '*.part'")),
    }
    return [words for words, is_so in findings.items() if is_so]


def _is_idle(host: ContainerHost) -> bool:
    counted = ("haproxy_backend_current_queue", "haproxy_backend_current_sessions")
    lines = [
        line for line in host.shell("curl -s http://127.0.0.1:8404/metrics").splitlines() if line.startswith(counted)
    ]
    assert lines, "the gateway counts"
    # The metrics themselves are a request.
    return all(float(line.rpartition(" ")[2]) == 0 for line in lines)


@contextmanager
def container_host(name: str, directory: Path, run_playbook: Runner) -> Iterator[ContainerHost]:
    """A host that has nothing yet of what the roles make."""
    host = hosts.fresh(name, recipes.DEBIAN_12_DOCKER, stock.ensure())
    try:
        # Not in the stock: no other host needs it.
        run("docker", "exec", "--interactive", host.container, "docker", "load", stdin=images.archive(recipes.PYTHON))
        # As the role docker has it.
        host.execute("sh", "-ec", "apt-get update -qq && apt-get install -qq --yes python3-requests >&2")
        subnet = network.find()
        assert subnet, "the lab has a network where it has a host"
        address = network.gateway(subnet)
        pair = authority.certify(address, directory)
        with Hub(directory / "hub", host=address, certificate=pair.certificate, key=pair.key) as hub:
            yield ContainerHost(directory, run_playbook, hub, host)
    finally:
        hosts.down([host])
