# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.firewall_lockouts import firewall_lockouts
from ansible_collections.hearth.llm.plugins.filter.firewall_openings import firewall_openings

OPENINGS = firewall_openings([{"port": "20-23"}, {"port": 2222, "protocol": "udp"}], ["192.168.0.0/16", "fd00::/8"])


def connection(client: str, port: int = 22) -> dict[str, Any]:
    return {"client_address": client, "server_address": "192.168.1.2", "server_port": port}


@pytest.mark.parametrize("client", ["192.168.7.7", "::ffff:192.168.7.7", "fd00::7", "127.0.0.1", "::1"])
def test_a_connection_that_can_be_made_again_stands_for_nothing_in_the_way(client: str) -> None:
    assert firewall_lockouts(OPENINGS, connection(client)) == []


def test_without_ssh_nobody_is_locked_out() -> None:
    assert firewall_lockouts([], None) == []


@pytest.mark.parametrize(
    ("client", "port", "remedy"),
    [
        ("10.1.2.3", 22, "add 10.1.2.3 to firewall_ssh_sources"),
        ("2001:db8::1", 22, "open to fd00::/8: add 2001:db8::1 to firewall_ssh_sources"),
        ("192.168.7.7", 2222, "set firewall_ssh_port to 2222"),
    ],
)
def test_what_would_lock_us_out_is_named_with_the_remedy(client: str, port: int, remedy: str) -> None:
    (sentence,) = firewall_lockouts(OPENINGS, connection(client, port))
    assert remedy in sentence
