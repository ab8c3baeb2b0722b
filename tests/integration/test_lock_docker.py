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
IMAGE = f"{REGISTRY}/hearth/valkey:9"
STOCK = "docker.io/valkey/valkey:9.1.1"
CONFIG = f"""\
version: 0.1
storage: {{filesystem: {{rootdirectory: /var/lib/docker-registry}}}}
http: {{addr: 0.0.0.0:{REGISTRY.rpartition(":")[2]}}}
"""


class Store:
    """The store for applications, whose image lies in a registry of the host."""

    def __init__(self, host: hosts.Host, directory: Path, playbook: Runner) -> None:
        self.host, self._playbook = host, playbook
        self.inventory = directory / "house"
        self.lock_file = self.inventory / ".hearth.lock.yml"
        self.inventory.mkdir()
        variables: dict[str, Any] = {
            "hearth_models": {},
            "hearth_valkey": True,
            "hearth_gpu_policy": "none",
            "hearth_registries": [{"name": REGISTRY, "mirror": f"http://{host.address}:5000"}],
            "hearth_secrets_directory": str(directory / "secrets"),
            "valkey_image": IMAGE,
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
            "vars": {"hearth_locked": True},
            "roles": ["hearth.llm.valkey"],
        }
        return self._run([play], *options, succeeds=succeeds)

    def push(self, marked: str) -> None:
        """The image that the host has, and one file more, as what the tag means from now on. Nothing of it stays with the host's Docker."""
        self.host.shell(
            f"printf 'FROM {STOCK}\\nLABEL mark={marked}\\n' | docker build --quiet --tag {IMAGE} - && "
            f"docker push --quiet {IMAGE} && docker image rm {IMAGE}"
        )

    def container(self) -> dict[str, Any]:
        return dict(json.loads(self.host.execute("docker", "inspect", "hearth-valkey"))[0])

    def _run(self, plays: Any, *options: str, succeeds: bool = True) -> Outcome:
        return self._playbook(
            plays, "--inventory", str(self.inventory), "--limit", self.host.name, *options, succeeds=succeeds
        )


@pytest.fixture
def store(playbook: Runner, tmp_path: Path) -> Iterator[Store]:
    host = hosts.fresh("lock", recipes.DEBIAN_12_DOCKER, stock.ensure())
    try:
        host.shell(
            "apt-get -qq update && apt-get -qq install --yes --no-install-recommends docker-registry python3-requests"
        )
        host.execute("sh", "-c", 'printf "%s" "$1" > /etc/docker/registry/config.yml', "sh", CONFIG)
        host.shell(
            "systemctl restart docker-registry && curl --silent --retry 20 --retry-connrefused http://127.0.0.1:5000/v2/"
        )
        yield Store(host, tmp_path, playbook)
    finally:
        hosts.down([host])


def test_a_tag_that_has_moved_moves_no_container(store: Store) -> None:
    store.push("first")
    assert "is not in" in store.deploy(succeeds=False).words
    store.lock()
    locked = yaml.safe_load(store.lock_file.read_text())
    digest = locked["images"][IMAGE]["digest"]
    versions = locked["hosts"][store.host.name]["packages"]
    assert versions["docker.io"] == store.host.shell("dpkg-query --show --showformat '${Version}' docker.io")

    store.deploy()
    assert store.container()["Config"]["Image"] == f"{REGISTRY}/hearth/valkey@{digest}"
    assert store.container()["Config"]["Labels"]["mark"] == "first"
    assert store.deploy().changed == 0

    store.push("second")
    shown = store.lock("--check", "--diff")
    assert any(line.split()[:2] == ["image", IMAGE] for line in shown.output.splitlines())
    assert store.deploy().changed == 0
    # The host has lost it, and it comes back as it was, though the tag means another one.
    store.host.shell(f"docker rm --force hearth-valkey && docker image rm {REGISTRY}/hearth/valkey@{digest}")
    store.deploy()
    assert store.container()["Config"]["Labels"]["mark"] == "first"

    store.lock()
    store.deploy()
    assert store.container()["Config"]["Labels"]["mark"] == "second"
