# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the lab in a private network: they come and go, break and restart, and what goes on between the others goes on.

Four hosts take some minutes, and are run by HEARTH_TEST_FLEET=1. Without it there is one, whose peer is not there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.addresses import address_of
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, recipes
from lab.shell import await_condition

fleet = pytest.mark.skipif("HEARTH_TEST_FLEET" not in os.environ, reason="set HEARTH_TEST_FLEET=1")

PLAYBOOKS = PROJECT / "playbooks"
CONNECT, CLOSE = PLAYBOOKS / "connect_hosts.yml", PLAYBOOKS / "close_host.yml"
# What each host is for, at first and later: one that has gone is a client, and looks at the others from outside.
FIRST = {"a": "hearth_gateways", "b": "hearth_engines", "c": "hearth_rpc_workers"}
LATER = {"a": "hearth_gateways", "b": "hearth_engines", "d": "hearth_rpc_workers", "c": "hearth_clients"}
SEEN_FROM_C = ("-e", json.dumps({"verify_seen_from": ["c"]}))
QUICKLY = ("-e", "private_network_answer_seconds=1")
UNIT = "hearth-private-network"
RANGE = IPv4Network("10.212.0.0/16")
# That of a worker, which engines have, and one that nobody has.
PORT, OTHER_PORT = 50052, 7001
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

    def run(self, groups: Mapping[str, str], *options: str, play: Any = CONNECT, succeeds: bool = True) -> Outcome:
        """With an inventory of these hosts, each in its group."""
        known = hosts.inventory([self.machines[name] for name in groups if name in self.machines])
        everybody = known["all"]["hosts"]
        # What nobody listens at, for one that is not there.
        nowhere = {"ansible_host": "192.0.2.77"}
        known["all"]["vars"].update({"ansible_become": True, "private_network_answer_seconds": 8})
        known["all"]["hosts"] = {
            name: everybody[self.machines[name].name] if name in self.machines else nowhere for name in groups
        }
        known["all"]["children"] = {
            group: {"hosts": dict.fromkeys(name for name, own in groups.items() if own == group)}
            for group in set(groups.values()) - {""}
        }
        (self.directory / "inventory/hosts.json").write_text(json.dumps(known))
        return self.playbook(play, "--diff", *options, succeeds=succeeds)

    def address(self, name: str) -> str:
        return address_of(name, RANGE)

    def echo(self, name: str, port: int) -> None:
        self.machines[name].shell(
            f"cat > /root/echo{port}.py <<'END'\n{ECHO.format(port=port)}\nEND\nsystemd-run --quiet --unit=echo{port} python3 /root/echo{port}.py"
        )

    def reaches(self, name: str, address: str, port: int) -> bool:
        return self.machines[name].succeeds(f"timeout 3 bash -c ': < /dev/tcp/{address}/{port}'")

    def await_way(self, name: str, other: str) -> None:
        """WireGuard begins anew after five seconds where its first packet was lost."""
        await_condition(
            f"{other} to answer {name}", lambda: self.reaches(name, self.address(other), 22) or None, seconds=30
        )


def play_of(playbook: str, name: str) -> list[dict[str, Any]]:
    """One play of a playbook, by the beginning of its name."""
    (play,) = [
        one for one in yaml.safe_load((PLAYBOOKS / f"{playbook}.yml").read_text()) if one["name"].startswith(name)
    ]
    return [{**play, "vars_files": [str(PLAYBOOKS / path) for path in play["vars_files"]]}]


def no_key_is_shown(network: Network, outcome: Outcome) -> None:
    secrets = network.directory / "inventory/.secrets/private_network"
    for path in secrets.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text().strip() not in outcome.output


def machines_of(names: str) -> dict[str, hosts.Host]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    machines = {name: hosts.fresh(f"wg-{name}-{worker}", recipes.DEBIAN_12) for name in names}
    for machine in machines.values():
        hosts.give_tun(machine)
    return machines


def test_a_host_waits_for_a_peer_that_is_not_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    machines = machines_of("z")
    try:
        # SSH's own socket lies below it, and a name as long as the test's would be too long for that.
        network = Network(machines, tmp_path_factory.mktemp("z"))
        groups = {"z": "hearth_gateways", "y": "hearth_engines"}
        first = network.run(groups, "--limit=z", "-vvv", *QUICKLY)
        no_key_is_shown(network, first)
        assert "New: y. Taken away: nobody." in first.words
        assert (
            f"y ({network.address('y')}) has not answered over hearth, and the two have never agreed on keys"
            in first.words
        )
        assert machines["z"].shell("wg show hearth allowed-ips").endswith(f"{network.address('y')}/32")
        assert machines["z"].shell("stat --format %a /etc/wireguard/hearth.conf") == "600"
        assert network.run(groups, "--limit=z", *QUICKLY).changed == 0
    finally:
        hosts.down(list(machines.values()))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    machines = machines_of("abcd")
    try:
        yield Network(machines, tmp_path_factory.mktemp("network"))
    finally:
        hosts.down(list(machines.values()))


@pytest.fixture(scope="module")
def connected(network: Network) -> Network:
    """Three hosts after their first run, which a dry run has told before."""
    dry = network.run(FIRST, "--check")
    assert "Would be installed: wireguard-tools" in dry.output
    assert not network.machines["a"].succeeds(f"systemctl cat {UNIT} || ls /etc/wireguard")
    outcome = network.run(FIRST, "-vvv")
    assert {path.name for path in (network.directory / "inventory/.secrets/private_network").iterdir()} == set(FIRST)
    no_key_is_shown(network, outcome)
    return network


@fleet
def test_a_second_run_changes_nothing_but_brings_back_what_is_broken(connected: Network) -> None:
    assert connected.run(FIRST).changed == 0
    assert connected.reaches("a", connected.address("c"), 22)
    broken = connected.machines["b"]
    broken.shell(f"systemctl stop {UNIT}")
    # Somebody has taken a peer away by hand.
    theirs = connected.machines["c"].shell("wg show hearth peers | head --lines 1")
    connected.machines["c"].shell(f"wg set hearth peer {theirs} remove")
    assert connected.run(FIRST).changed_tasks == {
        "b": ["run | Enable the interface, and start it where it is not as described"],
        "c": ["run | Tell the interface which peers there are"],
    }
    assert connected.reaches("b", connected.address("a"), 22)


@fleet
def test_a_host_that_comes_and_one_that_goes_touch_only_peers_and_no_connection(connected: Network) -> None:
    a, b = connected.machines["a"], connected.machines["b"]
    connected.echo("a", OTHER_PORT)
    connected.await_way("b", "a")
    hold = HOLD.format(address=connected.address("a"), port=OTHER_PORT)
    b.shell(f"cat > /root/hold.py <<'END'\n{hold}\nEND\nsystemd-run --quiet --unit=hold python3 /root/hold.py")
    outcome = connected.run(LATER)
    told = ["configure | Write what the interface is told", "run | Tell the interface which peers there are"]
    changed = outcome.changed_tasks
    assert (changed["a"], changed["b"]) == (told, told)
    assert "New: d. Taken away: " in outcome.words
    assert len(a.shell("wg show hearth peers").splitlines()) == 2
    held = int(b.shell("wc --bytes < /run/held"))
    await_condition(
        "the connection to go on", lambda: int(b.shell("wc --bytes < /run/held")) > held or None, seconds=20
    )
    assert b.succeeds("systemctl is-active --quiet hold")
    b.shell("systemctl stop hold")
    assert connected.reaches("d", connected.address("b"), 22)


@fleet
def test_what_others_could_reach_is_named_and_closed_hosts_are_proven(connected: Network) -> None:
    look = play_of("verify", "Verify between the hosts")
    d = connected.machines["d"]
    connected.echo("d", PORT)
    open_to_all = connected.run(LATER, *SEEN_FROM_C, play=look, succeeds=False).words
    (pid,) = d.shell(f"pgrep --full echo{PORT}.py").split()

    def seen(address: str, asker: str) -> str:
        return f"d: port {PORT} at {address}, held by python3 (process {pid}, echo{PORT}.service), answers {asker}, "

    for address, askers in ((d.address, "abc"), (connected.address("d"), "a")):
        for asker in askers:
            assert seen(address, asker) + "and is for b over the private network alone: have it listen" in open_to_all
    assert seen(connected.address("d"), "b") not in open_to_all

    connected.run(LATER, play=CLOSE)
    assert connected.run(LATER, play=CLOSE).changed == 0
    closed = connected.run(LATER, *SEEN_FROM_C, play=look)
    assert re.search(
        r"[1-9]\d* ports of other hosts, each at an address where it is not for a, were tried, and none answers",
        closed.words,
    )

    (way_in,) = re.findall(r".*udp dport 51820 accept", d.shell("nft list chain inet hearth input"))
    assert set(re.findall(r"[\d.]{7,}", way_in)) == {connected.machines[name].address for name in "ab"}
    # A new flow, which only an open port lets in: b is somewhere else now, and d has nothing to say to it.
    connected.machines["b"].shell("wg set hearth listen-port 51999")
    await_condition("b to come in", lambda: connected.reaches("b", connected.address("d"), PORT) or None, seconds=30)
    connected.machines["b"].shell("wg set hearth listen-port 51820")
    assert not connected.reaches("b", connected.address("d"), OTHER_PORT)
    # Whoever sends a packet for the network by the LAN is not in the network.
    c = connected.machines["c"]
    c.shell(f"systemctl stop {UNIT}; ip route replace {connected.address('d')}/32 via {d.address}")
    assert not connected.reaches("c", connected.address("d"), PORT)

    d.shell("wg set hearth listen-port 51999")
    elsewhere = connected.run(LATER, "--limit=d", play=look, succeeds=False)
    assert (
        "d: WireGuard listens on UDP port 51999 by hearth, and UDP port 51820 is declared and open" in elsewhere.words
    )
    assert connected.run(LATER, "--limit=d").changed_tasks == {"d": ["run | Tell the interface which peers there are"]}


@fleet
def test_the_network_comes_back_with_the_host_and_with_its_program(connected: Network) -> None:
    b = connected.machines["b"]
    hosts.reboot(b)
    connected.await_way("b", "a")
    connected.await_way("a", "b")
    if b.succeeds("pgrep wireguard-go"):
        index = b.shell("cat /sys/class/net/hearth/ifindex")
        b.shell(f"systemctl kill --signal=KILL {UNIT}")
        await_condition(
            "another interface",
            lambda: (
                b.succeeds(
                    f"systemctl is-active --quiet {UNIT} && test $(cat /sys/class/net/hearth/ifindex) != {index}"
                )
                or None
            ),
            seconds=30,
        )
        connected.await_way("b", "a")


@fleet
def test_who_does_not_answer_is_named_with_what_to_look_at(connected: Network) -> None:
    connected.await_way("a", "d")
    # Nobody knows it by this key.
    connected.machines["d"].shell("wg genkey | wg set hearth private-key /dev/stdin")
    limited = connected.run(LATER, "--tags", "verify", "--limit", "a,b", *QUICKLY)
    outcome = connected.run(LATER, "--tags", "verify", *QUICKLY, succeeds=False)
    words = f"d ({connected.address('d')}) has not answered over hearth, and the two last agreed on keys"
    assert words in limited.words
    assert f"a: {words}" in outcome.words.replace("'", "")
    assert f"{connected.machines['d'].address}:51820 (hearth_private_endpoint" in outcome.words
    assert connected.run(LATER).changed_tasks == {"d": ["run | Tell the interface which peers there are"]}


@fleet
def test_what_was_made_is_taken_away(connected: Network) -> None:
    remove = play_of("remove", "Remove the firewall and the private network")
    none = dict.fromkeys(connected.machines, "")
    connected.run(LATER, play=remove)
    for name in ("a", "b", "d"):
        assert not connected.machines[name].succeeds(
            f"ip link show hearth || systemctl cat {UNIT} || test -e /etc/wireguard/hearth.conf || nft list table inet hearth"
        )
    assert "c" in connected.run(none, "-e", "hearth_private_network=none").changed_tasks
    assert connected.run(none, "-e", "hearth_private_network=none").changed == 0
