# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml for a distribution of WSL, through the connection plugin: twice, and after Windows has ended it.

A host of the lab is the distribution. It takes minutes, for each task is a connection with five commands, and is run by HEARTH_TEST_WINDOWS=1.
"""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes.windows_ssh import Container, Distribution, WindowsPc, serve
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, recipes, stock
from lab.shell import run

pytestmark = pytest.mark.skipif("HEARTH_TEST_WINDOWS" not in os.environ, reason="set HEARTH_TEST_WINDOWS=1")

NAME = "Ubuntu-24.04"
# What a distribution shows of Windows; gone with each end of it, as in WSL.
AS_IN_WSL = """
mkdir -p /run/WSL
printf '[boot]\\nsystemd=true\\n' > /etc/wsl.conf
echo 6.6.87.2-microsoft-standard-WSL2 > /srv/osrelease
mount --bind /srv/osrelease /proc/sys/kernel/osrelease
"""
QUESTION = {"model": "hearth-mini", "messages": [{"role": "user", "content": "Who are you?"}]}


@dataclass
class Pc:
    windows: WindowsPc
    host: hosts.Host
    directory: Path
    inventory: Path
    playbook: Runner

    def site(self, *options: str) -> Outcome:
        """Only the distribution: nothing here is Windows."""
        inventory = ("--inventory", str(self.inventory), "--limit", "llm")
        return self.playbook(PROJECT / "playbooks/site.yml", *inventory, "--diff", *options, timeout=3000)

    def ask(self) -> str:
        key = (self.directory / "secrets/api_keys/default").read_text().strip()
        trust = ssl.create_default_context(cafile=self.directory / "secrets/tls/ca.pem")
        trust.check_hostname = False
        request = urllib.request.Request(
            f"https://{self.host.address}/v1/chat/completions",
            json.dumps(QUESTION).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Host": "hearth.test"},
        )
        with urllib.request.urlopen(request, context=trust, timeout=60) as response:
            return str(json.load(response)["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def pc(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pc]:
    directory = tmp_path_factory.mktemp("pc")
    host = hosts.fresh("windows", recipes.DEBIAN_12_DOCKER, stock.ensure())

    def begin() -> None:
        hosts.start(host)
        host.execute("sh", "-ec", AS_IN_WSL)

    try:
        run("docker", "cp", str(PROJECT / "files/models/hearth-mini.gguf"), f"{host.container}:/srv/hearth-mini.gguf")
        run("docker", "stop", host.container)
        windows = WindowsPc([Distribution(NAME, Container(host.container, begin))])
        with serve(windows, directory) as server:
            inventory = directory / "hosts.json"
            distribution = {
                "hearth_windows_host": "shop-pc",
                "ansible_connection": "community.general.wsl",
                "ansible_host": server.address,
                "ansible_port": server.port,
                "ansible_user": windows.user,
                "ansible_ssh_private_key_file": str(server.private_key),
                "ansible_paramiko_user_known_hosts_file": str(server.known_hosts),
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_remote_tmp": "/root/.ansible/tmp",
                "wsl_distribution": NAME,
                "wsl_user": "root",
                **_description(directory, host),
            }
            groups = {"hosts": {"llm": distribution}, "children": {"hearth_windows": {"hosts": {"shop-pc": {}}}}}
            inventory.write_text(json.dumps({"all": groups}))
            yield Pc(windows, host, directory, inventory, module_playbook)
    finally:
        hosts.down([host])


def _description(directory: Path, host: hosts.Host) -> dict[str, Any]:
    return {
        "hearth_domain": "hearth.test",
        "hearth_connect_to": host.address,
        "hearth_secrets_directory": str(directory / "secrets"),
        "hearth_models_lock_file": str(directory / "models.lock.yml"),
        "hearth_models": {
            "hearth-mini": {"source": "file:///srv/hearth-mini.gguf", "context_tokens": 1024, "slots": 1}
        },
        "llama_cpp_options": {"threads": 1},
        # The lab's network leads to the distribution itself, where Windows would: there is its SSH server, too.
        "verify_exposure_target": host.address,
        "verify_open_ports": [443],
        "verify_tolerated_ports": [22],
    }


def test_the_distribution_becomes_a_host_and_the_second_run_changes_nothing(pc: Pc) -> None:
    (ubuntu,) = pc.windows.distributions
    began = time.monotonic()
    first = pc.site()
    between, commands = time.monotonic(), len(pc.windows.commands)
    assert first.changed > 0
    assert "So Windows is what closes it" in first.words
    second = pc.site()
    print(
        f"first run {between - began:.0f} s, {commands} commands; second {time.monotonic() - between:.0f} s,"
        f" {len(pc.windows.commands) - commands} commands"
    )
    assert second.changed == 0
    assert ubuntu.starts == 1
    assert "hearth-mini" in pc.ask()


def test_what_windows_has_ended_serves_again_when_it_is_started(pc: Pc) -> None:
    pc.windows.execute("wsl.exe --shutdown")
    assert pc.site("--tags", "verify").changed == 0
    assert "hearth-mini" in pc.ask()
    assert pc.windows.unknown == []
