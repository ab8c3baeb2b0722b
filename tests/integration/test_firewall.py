# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role firewall on a host of the lab, with containers that publish ports past any firewall, asked from outside."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from integration.conftest import Runner
from integration.firewall_host import DECLARED, LISTENER, ON_LOOPBACK, OPEN, PUBLISHED, Lab, open_host
from lab import hosts, network, recipes
from lab.shell import LabError, run

# Of somebody who does not answer at all, and of an answer.
LIMITS = ("--connect-timeout", "2", "--max-time", "20")


@pytest.fixture(scope="module")
def lab(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_host("firewall", module_playbook, tmp_path_factory.mktemp("firewall")) as found:
        yield found


@pytest.fixture(scope="module")
def neighbour(lab: Lab) -> Iterator[Callable[[str, int], bool]]:
    """Somebody in the same network, who sends the host what no router would: asks a port of an address behind it."""
    name = f"{lab.host.container}-neighbour"
    rights = ["--cap-add=NET_ADMIN", "--sysctl=net.ipv4.conf.all.route_localnet=1"]
    image = recipes.DEBIAN_12_DOCKER.reference
    run("docker", "run", "--detach", f"--name={name}", f"--network={network.NAME}", *rights, image, "sleep", "infinity")
    try:
        run("docker", "exec", name, "ip", "address", "del", "127.0.0.1/8", "dev", "lo")
        for there in ("127.0.0.1", "172.17.0.0/16"):
            run("docker", "exec", name, "ip", "route", "replace", there, "via", lab.host.address)

        def reaches(address: str, port: int) -> bool:
            try:
                run("docker", "exec", name, "curl", "--silent", *LIMITS, f"http://{address}:{port}")
            except LabError:
                return False
            return True

        yield reaches
    finally:
        run("docker", "rm", "--force", name)


@pytest.fixture(scope="module")
def closed(lab: Lab, neighbour: Callable[[str, int], bool]) -> Lab:
    """The same host after its first run."""
    assert neighbour("127.0.0.1", ON_LOOPBACK), "this engine does not publish what is asked here"
    dry = lab.firewall("--check")
    assert 'tcp dport 22 accept comment "ssh"' in dry.output
    assert lab.answers(PUBLISHED), "a dry run changed something"
    assert lab.firewall().changed == dry.changed + 1
    return lab


def expect_closed(lab: Lab) -> None:
    assert lab.answers(22) == {"IPv4", "IPv6"}
    assert lab.answers(DECLARED) == {"IPv4", "IPv6"}
    assert {port for port in (PUBLISHED, ON_LOOPBACK, LISTENER) if lab.answers(port)} == set()


def test_in_wsl_windows_closes_the_host_and_nothing_is_done_here(lab: Lab) -> None:
    lab.shell(
        "echo 6.6.87.2-microsoft-standard-WSL2 > /srv/osrelease && mount --bind /srv/osrelease /proc/sys/kernel/osrelease"
    )
    try:
        outcome = lab.firewall()
    finally:
        lab.shell("umount /proc/sys/kernel/osrelease")
    assert outcome.changed == 0
    assert "So Windows is what closes it" in outcome.words
    assert lab.answers(PUBLISHED) == {"IPv4", "IPv6"}


def test_only_what_is_declared_answers_over_both_protocols(closed: Lab) -> None:
    expect_closed(closed)


def test_a_second_run_changes_nothing_and_a_dry_run_announces_nothing(closed: Lab) -> None:
    assert closed.firewall().changed == 0
    assert closed.firewall("--check").changed == 0


def test_a_neighbour_reaches_neither_loopback_nor_a_container(
    closed: Lab, neighbour: Callable[[str, int], bool]
) -> None:
    container = closed.shell("docker inspect --format '{{.NetworkSettings.IPAddress}}' web")
    assert not neighbour("127.0.0.1", ON_LOOPBACK)
    assert not neighbour(container, 8080)
    assert neighbour(closed.host.address, DECLARED)
    closed.await_web()


def test_containers_reach_the_world_and_a_restart_of_docker_opens_nothing(closed: Lab) -> None:
    gateway = str(hosts.inventory([closed.host])["all"]["vars"]["lab_gateway"])
    closed.shell("systemctl restart docker")
    closed.await_web()
    expect_closed(closed)
    with socket.create_server((gateway, 0)) as server:
        port = server.getsockname()[1]
        pid = closed.shell("docker inspect --format '{{.State.Pid}}' web")
        closed.shell(f"nsenter --net --target {pid} bash -c '</dev/tcp/{gateway}/{port}'")


def test_the_distributions_own_unit_flushes_and_ours_comes_back(closed: Lab) -> None:
    for act in ("start", "reload", "restart", "stop"):
        closed.shell(f"systemctl {act} nftables")
        assert closed.answers(LISTENER) == set(), act
        assert closed.answers(22), act
    # Docker's own rules were flushed, too.
    closed.shell("systemctl restart docker")
    closed.await_web()


def test_what_was_changed_by_hand_is_seen_and_mended(closed: Lab) -> None:
    closed.shell("nft insert rule inet hearth input accept")
    assert "-		accept" in closed.firewall("--check").output
    assert closed.answers(LISTENER)
    assert closed.firewall().changed == 1
    closed.shell("nft delete table inet hearth")
    assert closed.firewall().changed == 1
    expect_closed(closed)


def test_ports_are_closed_from_the_first_moment_after_a_reboot(closed: Lab) -> None:
    # Whatever listens first would be reached first.
    closed.shell(
        "printf '[Unit]\nDefaultDependencies=no\nAfter=network-pre.target\n[Service]\nType=oneshot\n"
        'ExecStart=sh -c "nft list table inet hearth > /root/at-boot"\n[Install]\nWantedBy=sysinit.target\n\''
        " > /etc/systemd/system/witness.service && systemctl enable witness"
    )
    hosts.reboot(closed.host)
    closed.await_web()
    assert "chain input" in closed.shell("cat /root/at-boot")
    assert closed.firewall().changed == 0
    assert (closed.answers(DECLARED), closed.answers(PUBLISHED)) == ({"IPv4", "IPv6"}, set())


def test_rules_that_would_lock_us_out_are_refused(closed: Lab) -> None:
    before = closed.shell("nft list ruleset")
    for option in ("--check", "-v"):
        outcome = closed.firewall(option, firewall_ssh_sources=["203.0.113.0/24"], succeeds=False)
        assert "and port 22 would be open to 203.0.113.0/24" in outcome.words
        assert "firewall_ssh_port to 22" in closed.firewall(option, firewall_ssh_port=2222, succeeds=False).words
    outcome = closed.firewall(firewall_input_rules=["tcp dport 22 discard"], succeeds=False)
    assert "nftables refuses the rules, and nothing was changed" in outcome.words
    assert "tcp dport 22 discard" in outcome.output
    assert closed.shell("nft list ruleset") == before


def test_rules_that_lock_us_out_are_taken_back_by_the_watchdog(closed: Lab) -> None:
    before = closed.shell("nft --stateless list table inet hearth; cat /etc/hearth-firewall.nft")
    outcome = closed.firewall(
        firewall_input_rules=["tcp dport 22 counter drop"], firewall_watchdog_seconds=20, succeeds=False
    )
    assert (
        "could not be reached by a new SSH connection, so the watchdog has put back those from before" in outcome.words
    )
    assert closed.shell("nft --stateless list table inet hearth; cat /etc/hearth-firewall.nft") == before
    assert closed.firewall().changed == 0


def test_a_port_opens_to_its_sources_and_closes_when_it_is_not_declared_any_more(closed: Lab) -> None:
    gateway = str(hosts.inventory([closed.host])["all"]["vars"]["lab_gateway"])
    ports = [*OPEN, {"port": LISTENER, "sources": [gateway]}, {"port": PUBLISHED, "sources": ["203.0.113.7"]}]
    assert closed.firewall(firewall_open_ports=ports).changed == 2
    assert (closed.answers(LISTENER), closed.answers(PUBLISHED)) == ({"IPv4"}, set())
    assert closed.firewall().changed == 2
    assert closed.answers(LISTENER) == set()


def test_nothing_of_ours_stays_when_it_is_removed(closed: Lab) -> None:
    assert closed.firewall("--check", firewall_state="absent").changed
    assert closed.firewall(firewall_state="absent").changed
    assert closed.firewall(firewall_state="absent").changed == 0
    left = closed.shell("nft list tables; ls /etc /run /etc/systemd/system /etc/systemd/system/*.wants")
    assert "hearth" not in left
    assert closed.answers(PUBLISHED) == {"IPv4", "IPv6"}
