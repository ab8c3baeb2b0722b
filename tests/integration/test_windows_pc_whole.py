# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml with inventories/windows_pc, as it is shipped: both halves of the PC, twice, and after Windows has ended what ran in it.

Windows is the stand-ins of its modules and of its OpenSSH, a host of the lab is the distribution, and another one asks from outside. It takes many
minutes, for each task is a connection with five commands, and is run by HEARTH_TEST_WINDOWS=1.
"""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.windows_machines import facts
from fakes.windows_modules.scripts import machine_of
from fakes.windows_ssh import Container, Distribution, WindowsPc, serve
from fakes.windows_ssh.pc import Answer
from integration.conftest import PROJECT, Outcome, Runner
from integration.windows_pcs import Pcs
from lab import hosts, hub, network, recipes, stock
from lab.shell import run

pytestmark = pytest.mark.skipif("HEARTH_TEST_WINDOWS" not in os.environ, reason="set HEARTH_TEST_WINDOWS=1")

SHIPPED = PROJECT / "inventories/windows_pc"
# What the lab has of its own for the shop's description: tiny models, and limits for two cores.
LAB = PROJECT / "extensions/molecule/sandwich_shop/inventory/group_vars"
SERVER, COMPUTER, OUTSIDE, NAME = "llm.blue.local", "pc.blue.local", "windows-outside", "Ubuntu-24.04"
MODELS: dict[str, str] = yaml.safe_load((LAB / "all/lab.yml").read_text())["lab_models"]
# What a distribution shows of Windows, and that it has no SSH server; gone with each end of it, as in WSL.
AS_IN_WSL = """
systemctl stop ssh
mkdir -p /run/WSL
printf '[boot]\\nsystemd=true\\n' > /etc/wsl.conf
echo 6.6.87.2-microsoft-standard-WSL2 > /srv/osrelease
mount --bind /srv/osrelease /proc/sys/kernel/osrelease
"""
QUESTION = {"model": "nemo", "messages": [{"role": "user", "content": "Who are you?"}]}


@dataclass
class Computer(WindowsPc):
    """Has the distribution, and the variables of its user, as soon as the Windows half has brought them."""

    pcs: Pcs | None = None
    later: list[Distribution] = field(default_factory=list)

    def execute(self, command: str) -> Answer:
        assert self.pcs
        machine = self.pcs.machine(COMPUTER)
        there = [found["name"] for found in machine.facts["distributions"]]
        self.has_wsl = machine.facts["wsl"]["is_store"]
        self.distributions[:] = [one for one in self.later if one.name in there]
        environment = machine.kept.get("environment", {})
        self.variables = {name.partition("\\")[2]: entry["value"] for name, entry in environment.items()}
        return super().execute(command)


@dataclass
class Shop:
    windows: Computer
    pcs: Pcs
    host: hosts.Host
    outside: hosts.Host
    directory: Path
    inventory: Path

    def site(self, *options: str) -> Outcome:
        """Everybody in the inventory."""
        inventories = (f"--inventory={SHIPPED}", f"--inventory={self.inventory}")
        return self.pcs(PROJECT / "playbooks/site.yml", *inventories, "--diff", *options, timeout=5000)

    @property
    def addresses(self) -> list[str]:
        return [self.host.address, *([self.host.address_6] if network.speaks_ipv6() else [])]

    def key(self, name: str) -> str:
        return (self.directory / f"secrets/api_keys/{name}").read_text().strip()

    def ask(self) -> str:
        trust = ssl.create_default_context(cafile=self.directory / "secrets/tls/ca.pem")
        trust.check_hostname = False
        request = urllib.request.Request(
            f"https://{self.host.address}/v1/chat/completions",
            json.dumps(QUESTION).encode(),
            {"Authorization": f"Bearer {self.key('till')}", "Content-Type": "application/json", "Host": SERVER},
        )
        with urllib.request.urlopen(request, context=trust, timeout=60) as response:
            return str(json.load(response)["choices"][0]["message"]["content"])

    def prove(self) -> dict[str, Any]:
        """Every port of every address, asked by another machine of the network."""
        run("docker", "cp", str(self.directory / "secrets/tls/ca.pem"), f"{self.outside.container}:/srv/ca.pem")
        proof = {
            "target": SERVER,
            "addresses": self.addresses,
            "open_ports": [443],
            "url": f"https://{SERVER}/v1",
            "ca_path": "/srv/ca.pem",
            "model": "nemo",
            "api_key": self.key("till"),
            # As the role verify has it: the page of the assistants stands beside the API.
            "sites": "{{ shown.sites }}",
            "closed_paths": "{{ shown.closed_paths if shown.closed_paths | length > 0 else omit }}",
            "report_path": "/srv/report.json",
        }
        page = "{'anythingllm': {}} | hearth.llm.gateway_sites('" + SERVER + "', 'docker')"
        shown = "{{ " + page + " | hearth.llm.exposure_plan('https://" + SERVER + "/v1', []) }}"
        tasks = [{"name": "Prove", "hearth.llm.exposure_proof": proof}]
        reached = self.directory / "outside.json"
        reached.write_text(json.dumps(hosts.inventory([self.outside])))
        play: dict[str, Any] = {
            "name": "Ask from outside",
            "hosts": OUTSIDE,
            "gather_facts": False,
            "become": True,
            "tasks": tasks,
        }
        play["vars"] = {"shown": shown}
        self.pcs([play], f"--inventory={reached}")
        report: dict[str, Any] = json.loads(self.outside.execute("cat", "/srv/report.json"))
        return report


@pytest.fixture(scope="module")
def shop(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("pc")
    module_playbook.hosts({})
    host = hosts.fresh("windows", recipes.DEBIAN_12_DOCKER, stock.ensure())
    made = [host]

    def begin() -> None:
        hosts.start(host)
        host.execute("sh", "-ec", AS_IN_WSL)

    try:
        outside = hosts.fresh(OUTSIDE, recipes.DEBIAN_12)
        made.append(outside)
        subnet = network.find()
        assert subnet
        (directory / "hub").mkdir()
        (directory / "hub/url").write_text(hub.up(directory / "hub", network.gateway(subnet), MODELS))
        run("docker", "stop", host.container)
        pcs = Pcs(module_playbook, directory, {COMPUTER: machine_of(facts("new_windows_11_24h2"))})
        pcs.also = {
            "MOLECULE_EPHEMERAL_DIRECTORY": str(directory),
            "MOLECULE_PROJECT_DIRECTORY": str(PROJECT),
        }
        ubuntu = Distribution(NAME, Container(host.container, begin, "/mnt/c/Users/olivia"))
        windows = Computer(user="olivia", pcs=pcs, later=[ubuntu])
        with serve(windows, directory) as server:
            place = directory / "inventory"
            place.mkdir()
            (place / "group_vars").symlink_to(LAB)
            everywhere = {"hearth_secrets_directory": str(directory / "secrets")}
            computer = {**everywhere, "ansible_host": server.address, "ansible_port": server.port}
            distribution = {
                **everywhere,
                "ansible_port": server.port,
                "ansible_ssh_private_key_file": str(server.private_key),
                "ansible_paramiko_user_known_hosts_file": str(server.known_hosts),
                "hearth_connect_to": host.address,
                # The lab's network leads to the distribution itself, where Windows would, and the way in to Windows is elsewhere.
                "verify_exposure_target": host.address,
                "verify_open_ports": [443],
            }
            groups: dict[str, Any] = {
                "hosts": {SERVER: distribution},
                "children": {"hearth_windows": {"hosts": {COMPUTER: computer}}},
            }
            (place / "lab.json").write_text(json.dumps({"all": groups}))
            yield Shop(windows, pcs, host, outside, directory, place)
    finally:
        hub.down(directory / "hub")
        hosts.down(made)


def test_a_dry_run_on_a_pc_that_has_nothing_says_what_would_be_done(shop: Shop) -> None:
    before = shop.pcs.machine(COMPUTER)
    said = shop.site("--check")
    assert said.changed > 0
    assert "Install Ubuntu-24.04 at N:\\WSL\\Ubuntu-24.04" in said.words.replace("\\\\", "\\")
    assert shop.pcs.machine(COMPUTER) == before


def test_both_halves_become_what_is_described_and_the_second_run_changes_nothing(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    first = shop.site()
    between, commands = time.monotonic(), len(shop.windows.commands)
    assert first.changed > 0
    assert "So Windows is what closes it" in first.words
    second = shop.site()
    with capsys.disabled():
        print(
            f"\nfirst run {between - began:.0f} s, {commands} commands; second {time.monotonic() - between:.0f} s,"
            f" {len(shop.windows.commands) - commands} commands"
        )
    assert second.changed == 0
    (ubuntu,) = shop.windows.distributions
    assert ubuntu.starts == 1
    assert shop.ask()
    rules = shop.pcs.machine(COMPUTER).facts
    assert [(rule["ports"], rule["action"]) for rule in rules["rules"] + rules["hyperv_rules"]] == [
        (["443"], "Allow"),
        (["443"], "Allow"),
    ]


def test_from_another_machine_exactly_443_answers_and_nothing_over_ipv6(shop: Shop) -> None:
    report = shop.prove()
    assert (report["proven"], report["findings"]) == (True, [])
    # The gateway is published at 0.0.0.0 (hearth_address), here as on every host: over IPv6 nothing at all answers.
    answers = {address: sorted(ports) for address, ports in report["services"].items()}
    assert answers == {address: [] if ":" in address else ["443"] for address in shop.addresses}


def test_what_windows_has_ended_serves_again_when_it_is_started(shop: Shop) -> None:
    shop.windows.execute("wsl.exe --shutdown")
    assert shop.site("--tags", "verify").changed == 0
    assert shop.ask()
    assert shop.windows.unknown == []
