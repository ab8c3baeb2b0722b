# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two gateways with one address, on hosts of the lab: one of them always has it, whatever happens to the other. Takes minutes, and is run by
HEARTH_TEST_FLEET=1."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import Engine
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, network, recipes, stock
from lab.shell import await_condition, run

pytestmark = pytest.mark.skipif("HEARTH_TEST_FLEET" not in os.environ, reason="set HEARTH_TEST_FLEET=1")

DOMAIN, PORT = "llm.example.com", 443
NAMES = ("gateway1", "gateway2")
UNIT = "hearth-shared-address"
# As `docker ps` finds it.
CONTAINER = "--filter name=gateway"
# Two questions in four seconds, or silence for three, with room to spare for a machine that others use.
LONGEST_OUTAGE = 12.0


@dataclass
class Client:
    """Asks the address for the list of models, by a new connection each time, until it is left."""

    address: str
    authority: Path
    key: str
    answered: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> int:
        trusted = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection(DOMAIN, PORT, timeout=1, context=trusted)
        # The name is in no DNS.
        plain = socket.create_connection((self.address, PORT), timeout=1)
        connection.sock = trusted.wrap_socket(plain, server_hostname=DOMAIN)
        try:
            connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {self.key}"})
            return connection.getresponse().status
        finally:
            connection.close()

    def _go_on(self) -> None:
        while not self._over.wait(0.1):
            try:
                if self.ask() == 200:
                    self.answered.append(time.monotonic())
            except OSError:
                continue

    def __enter__(self) -> Client:
        self._asking = threading.Thread(target=self._go_on)
        self._asking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._asking.join()

    def longest_outage(self) -> float:
        return max(after - before for before, after in zip(self.answered, self.answered[1:], strict=False))


class Gateways:
    def __init__(self, machines: dict[str, hosts.Host], engine: Engine, directory: Path) -> None:
        self.machines, self.directory = machines, directory
        self.playbook = Runner(directory)
        subnet = network.find()
        assert subnet is not None
        number = 2 + int("".join(filter(str.isdecimal, os.environ.get("PYTEST_XDIST_WORKER", "gw0"))))
        self.address = str(subnet[-1 - number])
        known = hosts.inventory(list(machines.values()))
        everybody = known["all"]["hosts"]
        where, port = engine.address.split(":")
        inventory = {
            "vars": {
                **known["all"]["vars"],
                "ansible_become": True,
                "hearth_domain": DOMAIN,
                "hearth_shared_address": f"{self.address}/{subnet.prefixlen}",
                "hearth_secrets_directory": str(directory / "secrets"),
                # The engine is a stand-in on this machine, which needs no network of its own.
                "hearth_private_network": "none",
                "hearth_models": {"shared": {"source": "hf://owner/repository/shared.gguf"}},
            },
            "children": {
                "hearth_gateways": {
                    "hosts": {
                        name: {**everybody[host.name], "hearth_private_address": host.address}
                        for name, host in machines.items()
                    }
                },
                "hearth_engines": {"hosts": {"engine": {"hearth_private_address": where, "llama_cpp_port": int(port)}}},
            },
        }
        (directory / "inventory/hosts.json").write_text(json.dumps({"all": inventory}))

    def run(self, play: str, *options: str, **how: Any) -> Outcome:
        limit = "--limit=" + ",".join(NAMES)
        return self.playbook(PROJECT / f"playbooks/{play}.yml", limit, *options, timeout=600, **how)

    def client(self) -> Client:
        key = (self.directory / "secrets/api_keys/default").read_text().strip()
        return Client(self.address, self.directory / "secrets/tls/ca.pem", key)

    def having(self) -> set[str]:
        """Who of those that run has the address."""
        return {
            name for name, host in self.machines.items() if host.succeeds(f"ip -4 -o address | grep -qw {self.address}")
        }

    def await_gateway(self, name: str) -> None:
        ask = f"curl --silent --insecure https://127.0.0.1:{PORT}/v1/models"
        await_condition("its gateway to answer", lambda: self.machines[name].succeeds(ask) or None, seconds=120)

    def settled(self, count: int = 1) -> set[str]:
        """Who has it, once nothing has moved for some seconds."""
        seen: list[set[str]] = []

        def look() -> set[str] | None:
            seen.append(self.having())
            return (
                seen[-1] if len(seen) > 8 and all(one == seen[-1] and len(one) == count for one in seen[-8:]) else None
            )

        return await_condition("one host to have the address", look, seconds=60, explain=lambda: str(seen[-10:]))


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    machines = {name: hosts.fresh(f"{name}-{worker}", recipes.DEBIAN_12_DOCKER, stock.ensure()) for name in NAMES}
    try:
        subnet = network.find()
        assert subnet is not None
        with Engine(models=["shared"], host=network.gateway(subnet)) as engine:
            yield Gateways(machines, engine, tmp_path_factory.mktemp("gateways"))
    finally:
        hosts.down(list(machines.values()))


@pytest.fixture(scope="module")
def running(gateways: Gateways) -> Gateways:
    """Both as site.yml leaves them, and closed; a dry run has told it before."""
    dry = gateways.run("deploy_gateway", "--check")
    assert "Would be installed: keepalived" in dry.output
    assert not any(host.succeeds(f"systemctl cat {UNIT} || ls /etc/{UNIT}") for host in gateways.machines.values())
    gateways.run("prepare_host")
    gateways.run("deploy_gateway", "--diff")
    gateways.run("close_host")
    assert gateways.run("deploy_gateway").changed == 0
    assert gateways.run("close_host").changed == 0
    return gateways


def outage(
    gateways: Gateways, what: Callable[[str], object], seen: Callable[[str], bool] | None = None
) -> tuple[str, str, float]:
    """Who had the address before that was done to him, who has it once that is `seen`, and for how long nobody answered. He loses it, otherwise."""
    is_seen = seen or (lambda name: name not in gateways.having())
    (before,) = gateways.settled()
    with gateways.client() as client:
        await_condition("the address to answer", lambda: len(client.answered) > 5 or None, seconds=20)
        what(before)
        await_condition("what was done to be noticed", lambda: is_seen(before) or None, seconds=30)
        missed = len(client.answered)
        (after,) = gateways.settled()
        await_condition("the address to answer again", lambda: len(client.answered) > missed + 10 or None, seconds=60)
    print(f"no answer for {client.longest_outage():.1f} s")
    return before, after, client.longest_outage()


def test_the_address_answers_and_one_gateway_alone_has_it(running: Gateways) -> None:
    assert len(running.settled()) == 1
    assert running.client().ask() == 200
    for name, host in running.machines.items():
        (other,) = (one.address for one in running.machines.values() if one is not host)
        (way_in,) = [
            line
            for line in host.shell("nft list chain inet hearth input").splitlines()
            if "l4proto 112" in line or "vrrp" in line
        ]
        assert f"ip saddr {other}" in way_in, name
        # Nobody else's keepalived is touched.
        assert host.shell("systemctl is-active keepalived || true") == "inactive"
    outcome = running.run("verify")
    assert "shared" in outcome.output


def test_a_gateway_that_is_gone_for_good_gives_the_address_away(running: Gateways) -> None:
    before, after, seconds = outage(
        running, lambda name: running.machines[name].shell(f"docker kill $(docker ps --quiet {CONTAINER})")
    )
    assert after != before
    assert seconds < LONGEST_OUTAGE
    # It comes back, and does not take the address from one that answers.
    with running.client() as client:
        running.machines[before].shell(f"docker start $(docker ps --all --quiet {CONTAINER})")
        running.await_gateway(before)
        assert running.settled() == {after}
    assert client.longest_outage() < 2


def test_a_host_that_is_gone_loses_the_address_and_does_not_take_it_back(running: Gateways) -> None:
    before, after, seconds = outage(running, lambda name: run("docker", "kill", running.machines[name].container))
    assert after != before
    assert seconds < LONGEST_OUTAGE
    hosts.start(running.machines[before])
    running.await_gateway(before)
    assert running.settled() == {after}


def test_a_gateway_that_hangs_gives_the_address_to_one_that_answers_and_one_of_two_keeps_it(running: Gateways) -> None:
    hang = f"docker pause $(docker ps --quiet {CONTAINER})"
    before, after, _seconds = outage(running, lambda name: running.machines[name].shell(hang))
    assert after != before
    running.machines[after].shell(hang)
    told = (
        f"journalctl --unit {UNIT} --output cat | grep 'Changing effective priority' | tail --lines 1 | grep 'to 100'"
    )
    await_condition("that to be noticed", lambda: running.machines[after].succeeds(told) or None, seconds=60)
    assert running.settled() == {after}
    for name in NAMES:
        running.machines[name].shell(f"docker unpause $(docker ps --quiet {CONTAINER})")
        running.await_gateway(name)
    assert running.settled() == {after}


def test_a_keepalived_that_is_killed_leaves_no_second_owner(running: Gateways) -> None:
    before, after, seconds = outage(
        running,
        lambda name: running.machines[name].shell(f"systemctl kill --signal=KILL {UNIT}"),
        lambda name: int(running.machines[name].shell(f"systemctl show --property NRestarts --value {UNIT}")) > 0,
    )
    assert {before, after} <= set(NAMES)
    assert seconds < LONGEST_OUTAGE


@pytest.fixture
def stranger(running: Gateways) -> Iterator[str]:
    """The address of somebody else in the network, who is no host of the inventory."""
    address, name = str(IPv4Address(running.address) - 20), f"hearth-lab-stranger-{running.address.replace('.', '-')}"
    image = recipes.DEBIAN_12_DOCKER.reference
    run(
        "docker",
        "run",
        "--detach",
        "--rm",
        "--name",
        name,
        "--network",
        network.NAME,
        "--ip",
        address,
        image,
        "sleep",
        "600",
    )
    yield address
    run("docker", "rm", "--force", name)


def test_an_address_that_somebody_else_has_is_refused_before_anything_is_changed(
    running: Gateways, stranger: str
) -> None:
    outcome = running.run(
        "deploy_gateway", "--tags", "shared_address", "-e", f"hearth_shared_address={stranger}/24", succeeds=False
    )
    assert f"hearth_shared_address is {stranger}/24, and" in outcome.words
    assert "which is no gateway, has it in the network of eth0" in outcome.words
    assert len(running.settled()) == 1


def test_remove_takes_it_away(running: Gateways) -> None:
    running.run("deploy_gateway", "--tags", "shared_address", "-e", "shared_address_state=absent")
    assert running.having() == set()
    for host in running.machines.values():
        assert not host.succeeds(f"systemctl cat {UNIT} || ls /etc/{UNIT}")
    assert running.run("deploy_gateway", "--tags", "shared_address", "-e", "shared_address_state=absent").changed == 0
    # On hosts that are closed already, too.
    running.run("deploy_gateway", "--tags", "shared_address")
    assert len(running.settled()) == 1
    running.run("remove")
    assert running.having() == set()
