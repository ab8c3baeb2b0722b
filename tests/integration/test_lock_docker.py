# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container runs as it was locked, whatever its tag means now: a host of the lab with Docker, and Debian's registry on it.

It takes minutes, and is run by HEARTH_TEST_LOCK=1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, recipes, stock

pytestmark = pytest.mark.skipif("HEARTH_TEST_LOCK" not in os.environ, reason="takes minutes: HEARTH_TEST_LOCK=1")

REGISTRY = "127.0.0.1:5000"
IMAGE = f"{REGISTRY}/hearth/tool:1"
STOCK = "docker.io/library/haproxy:3.2.25"
CONFIG = f"""\
version: 0.1
storage: {{filesystem: {{rootdirectory: /var/lib/docker-registry}}}}
http: {{addr: 0.0.0.0:{REGISTRY.rpartition(":")[2]}}}
"""


class House:
    """A service whose image lies in a registry of its host."""

    def __init__(self, host: hosts.Host, directory: Path, playbook: Runner) -> None:
        self.host, self._playbook = host, playbook
        self.inventory = directory / "house"
        self.lock_file = self.inventory / ".hearth.lock.yml"
        self.inventory.mkdir()
        variables: dict[str, Any] = {
            "hearth_gpu_policy": "none",
            "hearth_registries": [{"name": REGISTRY, "mirror": f"http://{host.address}:5000"}],
            "hearth_secrets_directory": str(directory / "secrets"),
            "hearth_lock_file": str(self.lock_file),
            "hearth_models_lock_file": str(self.inventory / ".models.lock.yml"),
            "gateway_image": IMAGE,
        }
        described = hosts.inventory([host])
        described["all"]["vars"] = {**described["all"].get("vars", {}), **variables}
        (self.inventory / "hosts.json").write_text(json.dumps(described))

    def lock(self, *options: str) -> Outcome:
        return self._run(PROJECT / "playbooks/lock.yml", *options)

    def deploy(self, *options: str, succeeds: bool = True) -> Outcome:
        play = {
            "hosts": self.host.name,
            "become": True,
            "gather_facts": False,
            "vars": {
                "hearth_locked": True,
                "service_name": "tool",
                "service_image": IMAGE,
                "service_entrypoint": ["sleep"],
                "service_command": ["3600"],
            },
            "roles": ["hearth.llm.service"],
        }
        return self._run([play], *options, succeeds=succeeds)

    def push(self, marked: str) -> None:
        """The image that the host has, and one file more, as what the tag means from now on. Nothing of it stays with the host's Docker."""
        self.host.shell(
            f"printf 'FROM {STOCK}\\nLABEL mark={marked}\\n' | docker build --quiet --tag {IMAGE} - && "
            f"docker push --quiet {IMAGE} && docker image rm {IMAGE}"
        )

    def container(self) -> dict[str, Any]:
        return dict(json.loads(self.host.execute("docker", "inspect", "hearth-tool"))[0])

    def _run(self, plays: Any, *options: str, succeeds: bool = True) -> Outcome:
        return self._playbook(
            plays, "--inventory", str(self.inventory), "--limit", self.host.name, *options, succeeds=succeeds
        )


@pytest.fixture
def house(playbook: Runner, tmp_path: Path) -> Iterator[House]:
    host = hosts.fresh("lock", recipes.DEBIAN_12_DOCKER, stock.ensure())
    try:
        host.shell(
            "apt-get -qq update && apt-get -qq install --yes --no-install-recommends docker-registry python3-requests"
        )
        host.execute("sh", "-c", 'printf "%s" "$1" > /etc/docker/registry/config.yml', "sh", CONFIG)
        host.shell(
            "systemctl restart docker-registry && curl --silent --retry 20 --retry-connrefused http://127.0.0.1:5000/v2/"
        )
        yield House(host, tmp_path, playbook)
    finally:
        hosts.down([host])


def test_a_tag_that_has_moved_moves_no_container(house: House) -> None:
    house.push("first")
    assert "is not in" in house.deploy(succeeds=False).words
    house.lock()
    locked = yaml.safe_load(house.lock_file.read_text())
    digest = locked["images"][IMAGE]["digest"]
    versions = locked["hosts"][house.host.name]["packages"]
    assert versions["docker.io"] == house.host.shell("dpkg-query --show --showformat '${Version}' docker.io")

    house.deploy()
    assert house.container()["Config"]["Image"] == f"{REGISTRY}/hearth/tool@{digest}"
    assert house.container()["Config"]["Labels"]["mark"] == "first"
    assert house.deploy().changed == 0

    house.push("second")
    shown = house.lock("--check", "--diff")
    assert any(line.split()[:2] == ["image", IMAGE] for line in shown.output.splitlines())
    assert house.deploy().changed == 0
    # The host has lost it, and it comes back as it was, though the tag means another one.
    house.host.shell(f"docker rm --force hearth-tool && docker image rm {REGISTRY}/hearth/tool@{digest}")
    house.deploy()
    assert house.container()["Config"]["Labels"]["mark"] == "first"

    house.lock()
    house.deploy()
    assert house.container()["Config"]["Labels"]["mark"] == "second"
