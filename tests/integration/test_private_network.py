# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the lab in a private network: they come and go, break and restart, and what goes on between the others goes on."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.addresses import address_of
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, recipes
from lab.shell import await_condition

CONNECT = PROJECT / "playbooks/connect_hosts.yml"
FIRST, LATER = ("a", "b", "c"), ("a", "b", "d")
UNIT = "hearth-private-network"
RANGE = IPv4Network("10.212.0.0/16")
PORT, OTHER_PORT = 7000, 7001
ECHO = """
import socketserver

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(16):
            self.request.sendall(data)

socketserver.ThreadingTCPServer(("0.0.0.0", {port}), Echo).serve_forever()
"""
# One connection, which ends with the first byte that does not come back.
HOLD = """
import socket, time

with socket.create_connection(("{address}", {port}), timeout=10) as line:
    while True:
        line.sendall(b"x")
        assert line.recv(1) == b"x"
        open("/run/held", "a").write("x")
        time.sleep(0.2)
"""


class Network:
    def __init__(self, machines: dict[str, hosts.Host], directory: Path) -> None:
        self.machines = machines
        self.playbook = Runner(directory)
        self.directory = directory

    def run(self, names: Collection[str], *options: str, play: Any = CONNECT, succeeds: bool = True) -> Outcome:
        """With an inventory of these hosts."""
        known = hosts.inventory([self.machines[name] for name in names])
        everybody = known["all"]["hosts"]
        described = {"ansible_become": True, "hearth_private_network": "wireguard", "private_network_answer_seconds": 8}
        known["all"]["vars"].update(described)
        known["all"]["hosts"] = {name: everybody[self.machines[name].name] for name in names}
        (self.directory / "inventory/hosts.json").write_text(json.dumps(known))
        return self.playbook(play, "--diff", *options, succeeds=succeeds)

    def address(self, name: str) -> str:
        return address_of(name, RANGE)

    def reaches(self, name: str, address: str, port: int) -> bool:
        return self.machines[name].succeeds(f"timeout 3 bash -c ': < /dev/tcp/{address}/{port}'")

    def await_way(self, name: str, other: str) -> None:
        """WireGuard begins anew after five seconds where its first packet was lost."""
        await_condition(
            f"{other} to answer {name}", lambda: self.reaches(name, self.address(other), 22) or None, seconds=30
        )


def changed_tasks(outcome: Outcome) -> dict[str, list[str]]:
    """What each host has changed."""
    found: dict[str, list[str]] = defaultdict(list)
    task = ""
    for line in outcome.output.splitlines():
        if named := re.match(r"TASK \[(?:.* : )?(.*)\] \*", line):
            task = named[1]
        elif changed := re.match(r"changed: \[(\S+)\]", line):
            found[changed[1]].append(task)
    return dict(found)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    machines = {name: hosts.fresh(f"wg-{name}-{worker}", recipes.DEBIAN_12) for name in "abcd"}
    try:
        for machine in machines.values():
            hosts.give_tun(machine)
        yield Network(machines, tmp_path_factory.mktemp("network"))
    finally:
        hosts.down(list(machines.values()))


@pytest.fixture(scope="module")
def connected(network: Network) -> Network:
    """Three hosts after their first run, which a dry run has told before."""
    dry = network.run(FIRST, "--check")
    assert "Would be installed: wireguard-tools" in dry.output
    assert not network.machines["a"].succeeds(f"systemctl cat {UNIT} || ls /etc/wireguard")
    outcome = network.run(FIRST)
    secrets = network.directory / "inventory/.secrets/private_network"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in secrets.iterdir()} == dict.fromkeys(FIRST, "0o600")
    for path in secrets.iterdir():
        assert path.read_text().strip() not in outcome.output
    assert network.machines["a"].shell("stat --format %a /etc/wireguard/hearth.conf") == "600"
    return network


def test_a_second_run_changes_nothing_but_brings_back_what_is_broken(connected: Network) -> None:
    assert connected.reaches("a", connected.address("c"), 22)
    broken = connected.machines["b"]
    broken.shell(f"systemctl stop {UNIT}")
    # Somebody has taken a peer away by hand.
    theirs = connected.machines["c"].shell("wg show hearth peers | head --lines 1")
    connected.machines["c"].shell(f"wg set hearth peer {theirs} remove")
    assert changed_tasks(connected.run(FIRST)) == {
        "b": ["run | Enable the interface, and start it where it is not as described"],
        "c": ["run | Tell the interface which peers there are"],
    }
    assert connected.reaches("b", connected.address("a"), 22)


def test_a_host_that_comes_and_one_that_goes_touch_only_peers_and_no_connection(connected: Network) -> None:
    a, b = connected.machines["a"], connected.machines["b"]
    for port in (PORT, OTHER_PORT):
        a.shell(
            f"cat > /root/echo{port}.py <<'END'\n{ECHO.format(port=port)}\nEND\nsystemd-run --quiet python3 /root/echo{port}.py"
        )
    connected.await_way("b", "a")
    hold = HOLD.format(address=connected.address("a"), port=PORT)
    b.shell(f"cat > /root/hold.py <<'END'\n{hold}\nEND\nsystemd-run --quiet --unit=hold python3 /root/hold.py")
    outcome = connected.run(LATER)
    told = ["configure | Write what the interface is told", "run | Tell the interface which peers there are"]
    changed = changed_tasks(outcome)
    assert (changed["a"], changed["b"]) == (told, told)
    assert "New: d. Taken away: " in outcome.words
    assert len(a.shell("wg show hearth peers").splitlines()) == 2
    held = int(b.shell("wc --bytes < /run/held"))
    await_condition(
        "the connection to go on", lambda: int(b.shell("wc --bytes < /run/held")) > held or None, seconds=20
    )
    assert b.succeeds("systemctl is-active --quiet hold")
    assert connected.reaches("d", connected.address("b"), 22)


def test_the_firewall_lets_peers_in_and_a_port_through_the_tunnel_to_those_that_have_it(connected: Network) -> None:
    a = connected.machines["a"]
    plays = [
        {
            "name": "Close a host",
            "hosts": "a",
            "gather_facts": False,
            "vars": {
                "private_network_mode": "wireguard",
                "private_network_hosts": "{{ ['a', 'b', 'd'] | hearth.llm.private_network_hosts(hostvars) }}",
                "private_network_open_ports": [{"port": PORT, "hosts": ["b"], "comment": "engine"}],
                "firewall_open_ports": [],
            },
            "tasks": [
                {
                    "name": "Publish",
                    "ansible.builtin.include_role": {"name": "hearth.llm.private_network", "tasks_from": "publish"},
                },
                {"name": "Close", "ansible.builtin.include_role": {"name": "hearth.llm.firewall"}},
            ],
        }
    ]
    connected.run(LATER, play=plays)
    (way_in,) = re.findall(r".*udp dport 51820 accept", a.shell("nft list chain inet hearth input"))
    assert set(re.findall(r"[\d.]{7,}", way_in)) == {connected.machines[name].address for name in "bd"}
    # A new flow, which only an open port lets in: b is somewhere else now, and a has nothing to say to it.
    connected.machines["b"].shell("systemctl stop hold; wg set hearth listen-port 51999")
    await_condition("b to come in", lambda: connected.reaches("b", connected.address("a"), PORT) or None, seconds=30)
    assert not connected.reaches("b", connected.address("a"), OTHER_PORT)
    assert not connected.reaches("d", connected.address("a"), PORT)
    assert not connected.reaches("b", a.address, PORT)
    a.shell("systemctl disable --now --quiet hearth-firewall; nft delete table inet hearth")


def test_the_network_comes_back_with_the_host_and_with_its_program(connected: Network) -> None:
    b = connected.machines["b"]
    hosts.reboot(b)
    connected.await_way("b", "a")
    connected.await_way("a", "b")
    if b.succeeds("pgrep wireguard-go"):
        b.shell(f"systemctl kill --signal=KILL {UNIT}")
        connected.await_way("b", "a")
    assert "hearth" in b.shell("ip -oneline address show dev hearth")


def test_who_does_not_answer_is_named_with_what_to_look_at(connected: Network) -> None:
    connected.machines["d"].shell(f"systemctl stop {UNIT}")
    limited = connected.run(LATER, "--tags", "verify", "--limit", "a,b", "-e", "private_network_answer_seconds=2")
    outcome = connected.run(LATER, "--tags", "verify", "-e", "private_network_answer_seconds=2", succeeds=False)
    words = f"d ({connected.address('d')}) has not answered over hearth, and the two last agreed on keys"
    assert words in limited.words
    assert f"a: {words}" in outcome.words.replace("'", "")
    assert f"{connected.machines['d'].address}:51820 (hearth_private_endpoint" in outcome.words


def test_none_takes_all_of_it_away(connected: Network) -> None:
    assert "a" in changed_tasks(connected.run(connected.machines, "-e", "hearth_private_network=none"))
    for machine in connected.machines.values():
        assert not machine.succeeds(
            f"ip link show hearth || systemctl cat {UNIT} || test -e /etc/wireguard/hearth.conf"
        )
    assert connected.run(connected.machines, "-e", "hearth_private_network=none").changed == 0
