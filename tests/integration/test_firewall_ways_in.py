# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How people really come to a host: through a tunnel of its own, by a password, on another port, or not at all because Ansible runs there itself."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Outcome, Runner
from lab import hosts, identity, recipes
from lab.shell import LabError, await_condition

INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends"
SERVER, OPERATOR = "10.99.0.1", "10.99.0.2"
PORT = 51820
EVERYBODY = ["0.0.0.0/0", "::/0"]
PASSWORD = "correct horse 'battery' staple"


class House:
    """A host, and the operator's machine: a way into the host leads through that one."""

    def __init__(self, host: hosts.Host, operator: hosts.Host, playbook: Runner, directory: Path) -> None:
        self.host, self.operator = host, operator
        self._playbook, self._inventory = playbook, directory / "hosts.json"

    def firewall(self, way: dict[str, Any], *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        known = hosts.inventory([self.host])
        known["all"]["hosts"][self.host.name].update(way)
        self._inventory.write_text(json.dumps(known))
        play = {"hosts": "all", "become": True, "gather_facts": False, "roles": [{"role": "hearth.llm.firewall"}]}
        given = {"firewall_open_ports": [], **variables}
        words = ["--inventory", str(self._inventory), "--limit", self.host.name, "--diff", *options]
        return self._playbook([{**play, "vars": given}], *words, succeeds=succeeds)

    @property
    def directly(self) -> dict[str, Any]:
        return {}

    @property
    def through_the_tunnel(self) -> dict[str, Any]:
        """The host at its address in the tunnel, by way of the operator's machine: a jump host."""
        trusted = f"-i {identity.key()} -o StrictHostKeyChecking=yes -o UserKnownHostsFile="
        jump = f"ssh {trusted}{self.operator.known_hosts} -W %h:%p {hosts.USER}@{self.operator.address}"
        return {
            "ansible_host": SERVER,
            "ansible_ssh_common_args": (
                f"-o HostKeyAlias={self.host.address} -o UserKnownHostsFile={self.host.known_hosts}"
                f" -o StrictHostKeyChecking=yes -o ProxyCommand={shlex.quote(jump)}"
            ),
        }

    @property
    def on_the_host_itself(self) -> dict[str, Any]:
        """No SSH at all: as ansible-pull, a timer or a console runs it."""
        return {"ansible_connection": "community.docker.docker", "ansible_host": self.host.container}

    def shell(self, command: str) -> str:
        return self.host.execute("sh", "-ec", command).strip()

    def restart_tunnel(self) -> None:
        """The operator comes back after a silence: his packets are a new flow."""
        self.operator.execute("sh", "-ec", "wg set wg0 listen-port $(shuf -i 20000-30000 -n 1)")

    def greets(self) -> bool:
        """Whether the host's SSH server can be reached through the tunnel."""
        return _runs(lambda: self.operator.execute("timeout", "4", "bash", "-c", f"head -c 4 < /dev/tcp/{SERVER}/22"))

    def await_greeting(self) -> None:
        """WireGuard begins anew after five seconds where its first packet was lost."""
        await_condition("the tunnel", lambda: self.greets() or None, seconds=60)


def _runs(command: Callable[[], str]) -> bool:
    try:
        command()
    except LabError:
        return False
    return True


@pytest.fixture(scope="module")
def house(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    machines = [hosts.fresh(f"{name}-{worker}", recipes.DEBIAN_12) for name in ("ways-in", "operator")]
    try:
        yield House(machines[0], machines[1], module_playbook, tmp_path_factory.mktemp("ways"))
    finally:
        hosts.down(machines)


@pytest.fixture(autouse=True)
def open_again(house: House) -> Iterator[None]:
    yield
    house.shell(
        "systemctl stop hearth-firewall-watchdog.timer 2> /dev/null || true; systemctl disable --now --quiet hearth-firewall || true;"
        " rm -f /etc/hearth-firewall.nft; nft delete table inet hearth 2> /dev/null || true"
    )


@pytest.fixture(scope="module")
def tunnel(house: House) -> House:
    """WireGuard: the host waits on a port, the operator knows where it is, and nobody keeps the flow alive."""
    keys = {}
    for machine, address in ((house.host, SERVER), (house.operator, OPERATOR)):
        machine.execute("sh", "-ec", f"apt-get update --quiet --quiet && {INSTALL} wireguard-go wireguard-tools")
        machine.execute(
            "sh", "-ec", "mkdir -p /dev/net && mknod /dev/net/tun c 10 200 && umask 077 && wg genkey > /root/key"
        )
        machine.execute("sh", "-ec", f"wireguard-go wg0 && ip address add {address}/24 dev wg0 && ip link set wg0 up")
        keys[address] = machine.execute("sh", "-ec", "wg pubkey < /root/key").strip()
    house.shell(f"wg set wg0 private-key /root/key listen-port {PORT} peer {keys[OPERATOR]} allowed-ips {OPERATOR}/32")
    there = f"peer {keys[SERVER]} allowed-ips {SERVER}/32 endpoint {house.host.address}:{PORT}"
    house.operator.execute("sh", "-ec", f"wg set wg0 private-key /root/key {there}")
    house.await_greeting()
    return house


def test_rules_that_close_the_tunnel_behind_us_are_refused_and_would_have_locked_us_out(tunnel: House) -> None:
    words = tunnel.firewall(tunnel.through_the_tunnel, succeeds=False).words.replace("''", "'")
    assert f"comes through wg0 (wireguard), whose UDP port {PORT} would be closed" in words
    assert f"Add {{port: {PORT}, protocol: udp, sources: [0.0.0.0/0, '::/0']}} to hearth_open_ports" in words
    assert "inet hearth" not in tunnel.shell("nft list tables")

    # The same rules, by somebody who does not come through the tunnel.
    tunnel.firewall(tunnel.directly)
    tunnel.restart_tunnel()
    assert not tunnel.greets()


def test_a_tunnel_whose_port_is_declared_lets_us_in_again_after_a_silence(tunnel: House) -> None:
    declared = [{"port": PORT, "protocol": "udp", "sources": EVERYBODY, "comment": "VPN"}]
    assert tunnel.firewall(tunnel.through_the_tunnel, hearth_open_ports=declared).changed
    assert tunnel.firewall(tunnel.through_the_tunnel, hearth_open_ports=declared).changed == 0
    tunnel.restart_tunnel()
    tunnel.await_greeting()
    # To take the port away again is refused like never to have opened it.
    assert f"UDP port {PORT} would be closed" in tunnel.firewall(tunnel.through_the_tunnel, succeeds=False).words
    narrow = [{**declared[0], "sources": ["203.0.113.0/24"]}]
    words = tunnel.firewall(tunnel.through_the_tunnel, hearth_open_ports=narrow, succeeds=False).words
    assert f"add {tunnel.operator.address} to the sources of that port" in words


def test_a_tunnel_that_the_host_keeps_up_from_inside_needs_no_open_port(tunnel: House) -> None:
    operator = tunnel.operator.execute("sh", "-ec", "wg pubkey < /root/key").strip()
    tunnel.operator.execute("wg", "set", "wg0", "listen-port", "51821")
    there = f"Endpoint = {tunnel.operator.address}:51821\\nPersistentKeepalive = 1"
    tunnel.shell(f"printf '[Peer]\\nPublicKey = {operator}\\n{there}\\n' > /etc/wireguard/wg0.conf")
    tunnel.shell(f"wg set wg0 peer {operator} endpoint {tunnel.operator.address}:51821 persistent-keepalive 1")
    assert tunnel.firewall(tunnel.through_the_tunnel).changed
    tunnel.await_greeting()
    tunnel.shell(f"rm /etc/wireguard/wg0.conf; wg set wg0 peer {operator} persistent-keepalive off")


def test_by_a_password_we_come_in_and_prove_it_by_a_new_connection(house: House) -> None:
    house.shell(f"echo {shlex.quote(f'{hosts.USER}:{PASSWORD}')} | chpasswd")
    way = {"ansible_password": PASSWORD, "ansible_ssh_private_key_file": "/dev/null"}
    outcome = house.firewall(way)
    assert outcome.changed
    assert "come_again | Make a new connection" in outcome.output
    assert PASSWORD not in outcome.output


def test_on_the_host_itself_the_real_port_of_ssh_stays_open_and_a_stranger_proves_it(house: House) -> None:
    house.shell("printf 'Port 2222\\n' > /etc/ssh/sshd_config.d/port.conf && systemctl restart ssh")
    try:
        here = house.on_the_host_itself
        words = house.firewall(here, firewall_ssh_port=22, succeeds=False).words
        assert "firewall_ssh_port is 22, but the SSH servers of" in words
        assert "listen on 2222, which would be closed" in words
        # Whoever has never come in proves nothing: a rule of their own drops what ours let in.
        closed = ["tcp dport 2222 drop"]
        words = house.firewall(here, succeeds=False, firewall_input_rules=closed, firewall_watchdog_seconds=20).words
        assert "a new connection to port 2222 did not come in" in words
        assert house.firewall(here).changed
        # By SSH the same rules are right.
        assert house.firewall({"ansible_port": 2222, "ansible_ssh_common_args": _by_its_key(house)}).changed == 0
        assert "hearth-proof" not in house.shell("ip link; ls /run/netns")
        assert house.firewall(here, firewall_input_rules=closed, firewall_unproven=True).changed
    finally:
        house.shell("rm /etc/ssh/sshd_config.d/port.conf && systemctl restart ssh")


def _by_its_key(house: House) -> str:
    return f"-o HostKeyAlias={house.host.address} -o UserKnownHostsFile={house.host.known_hosts} -o StrictHostKeyChecking=yes"


def test_over_loopback_it_is_asked_who_has_come_there(house: House) -> None:
    """A jump over the host's own SSH server: what it is judged by is where that one is reached."""
    trusted = f"-i {identity.key()} -o StrictHostKeyChecking=yes -o UserKnownHostsFile={house.host.known_hosts}"
    jump = f"ssh {trusted} -W 127.0.0.1:22 {hosts.USER}@{house.host.address}"
    # By another name, or a connection that is still there would be used.
    way = {
        "ansible_host": "127.0.0.1",
        "ansible_ssh_common_args": f"{_by_its_key(house)} -o ProxyCommand={shlex.quote(jump)}",
    }
    words = house.firewall(way, firewall_ssh_sources=["203.0.113.0/24"], succeeds=False).words
    assert "The SSH connection from 127.0.0.1 comes through sshd (sshd), which comes from 172.30." in words
    assert house.firewall(way).changed
