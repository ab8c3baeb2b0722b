# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role firewall on a host that has a firewall: our rules are merged into it, and those of others stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.conftest import Runner
from integration.firewall_host import DECLARED, LISTENER, OPEN, PUBLISHED, Lab, open_host

pytestmark = pytest.mark.long

INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends"
EXPECTED = {DECLARED: {"IPv4", "IPv6"}, LISTENER: set(), PUBLISHED: set(), 22: {"IPv4", "IPv6"}}
THEIRS = {
    "ufw": "ufw allow 2222/tcp comment 'of the administrator' && ufw allow 22/tcp && ufw --force enable",
    "firewalld": "firewall-cmd --permanent --add-port=2222/tcp && firewall-cmd --add-port=2222/tcp",
}
SHOW = {
    "ufw": "ufw show added; grep '### tuple' /etc/ufw/user*.rules",
    "firewalld": "firewall-cmd --list-all; firewall-cmd --permanent --list-all",
}
LEAVE = {"ufw": "ufw disable", "firewalld": "systemctl disable --now firewalld"}


@pytest.fixture(scope="module")
def host(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_host("merge", module_playbook, tmp_path_factory.mktemp("merge")) as found:
        found.shell("apt-get update --quiet --quiet")
        yield found


@pytest.fixture(params=["ufw", "firewalld"])
def merging(host: Lab, request: pytest.FixtureRequest) -> Iterator[tuple[str, Lab]]:
    """A host whose administrator uses that firewall, and opened a port of his own in it."""
    provider = request.param
    packages = "firewalld python3-firewall" if provider == "firewalld" else provider
    host.shell(f"{INSTALL} {packages} && {THEIRS[provider]}")
    # A firewall that starts takes the engine's rules away.
    host.shell("systemctl restart docker")
    host.await_web()
    yield provider, host
    host.shell(f"{LEAVE[provider]} && systemctl restart docker")


def test_our_rules_come_and_go_and_those_of_others_stay(merging: tuple[str, Lab]) -> None:
    provider, host = merging
    before = host.shell(SHOW[provider])
    assert host.answers(PUBLISHED), f"{provider} alone does not cover what containers publish"

    dry = host.firewall("--check")
    assert host.shell(SHOW[provider]) == before
    assert host.firewall().changed == dry.changed + 1
    assert host.firewall().changed == 0
    assert host.firewall("--check").changed == 0
    assert "chain input" not in host.shell("nft list table inet hearth")
    assert {port: host.answers(port) for port in EXPECTED} == EXPECTED
    assert "2222" in host.shell(SHOW[provider])

    more = [
        *OPEN,
        {"port": f"{LISTENER}-{LISTENER + 1}", "sources": ["172.30.0.0/16", "192.168.7.7"], "comment": "two"},
    ]
    assert host.firewall(firewall_open_ports=more).changed
    assert host.firewall(firewall_open_ports=more).changed == 0
    assert host.answers(LISTENER) == {"IPv4"}
    assert host.firewall().changed
    assert host.answers(LISTENER) == set()

    assert host.firewall(firewall_state="absent").changed
    assert host.firewall(firewall_state="absent").changed == 0
    assert host.shell(SHOW[provider]) == before


def test_a_firewall_that_is_not_active_is_not_merged_into(host: Lab) -> None:
    outcome = host.firewall(firewall_provider="firewalld", succeeds=False)
    assert "firewall_provider is 'firewalld', which is not active" in outcome.words.replace("''", "'")
