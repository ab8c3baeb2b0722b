# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._exposure.scan import parse_ports, scan


def test_exactly_the_ports_that_answer_are_found_over_both_protocols() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=8) as one,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as two,
    ):
        ports = [one.getsockname()[1], two.getsockname()[1]]
        found = scan(["127.0.0.1", "::1"], ports, timeout=2, parallel=64)
    assert found.open == {"127.0.0.1": {ports[0]}, "::1": {ports[1]}}
    assert found.unreachable == {}


def test_all_ports_of_this_machine_are_tried() -> None:
    listening = {socket.create_server(("127.0.0.2", 0)) for _ in range(3)}
    try:
        found = scan(["127.0.0.2"], range(1, 65536), timeout=2, parallel=500)
        # Others may listen on every address of this machine.
        assert {server.getsockname()[1] for server in listening} <= found.open["127.0.0.2"]
    finally:
        for server in listening:
            server.close()


def test_a_port_that_answers_itself_is_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    class FromItself(socket.socket):
        """What happens by chance to one of many: the system lets it begin at the very port that it goes to."""

        def connect_ex(self, address: Any) -> int:
            self.bind(address)
            return super().connect_ex(address)

    with socket.create_server(("127.0.0.2", 0)) as one, socket.create_server(("127.0.0.2", 0)) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
    with FromItself() as wire:
        assert wire.connect_ex(("127.0.0.2", ports[0])) == 0, "such a connection comes about"
    monkeypatch.setattr(socket, "socket", FromItself)
    assert scan(["127.0.0.2"], ports[1:], timeout=2, parallel=1).open == {"127.0.0.2": set()}


def test_a_port_that_says_nothing_costs_its_time_and_no_more() -> None:
    # Its queue is full: the kernel drops further packets, as a firewall does.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        first = [socket.socket() for _ in range(3)]
        for wire in first:
            wire.setblocking(False)
            wire.connect_ex(address)
        found = scan(["127.0.0.1"], [address[1]], timeout=0.3, parallel=1)
        for wire in first:
            wire.close()
    assert found.open == {"127.0.0.1": set()}
    assert 0.2 < found.seconds < 2


def test_an_address_without_a_way_there_is_said_and_not_tried_again() -> None:
    found = scan(["fe80::1", "127.0.0.1"], range(1, 50), timeout=1, parallel=8)
    assert "fe80::1" in found.unreachable
    assert "127.0.0.1" not in found.unreachable


def test_ports_are_written_as_numbers_and_ranges() -> None:
    assert parse_ports(["22", "80-82", "81"]) == [22, 80, 81, 82]
    for wrong in ("0", "9-8", "70000", "ssh", "-1"):
        with pytest.raises(InputError, match="neither a port nor a range"):
            parse_ports([wrong])
