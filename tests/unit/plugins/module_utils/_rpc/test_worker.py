# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker is told apart by: it answers, it serves somebody else, it is not there, or it is none."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._rpc import worker
from fakes import ports
from fakes.rpc_worker import MEMORY, RpcWorker


def test_a_worker_says_its_version_and_its_memory_and_can_be_asked_again() -> None:
    there = RpcWorker()
    for _time in range(2):
        assert worker.look(there.address) == worker.Worker(
            there.address, worker.ANSWERS, "8.0.0", (worker.Device(MEMORY, MEMORY),)
        )
    there.die()


def test_one_that_serves_somebody_else_is_busy_and_no_longer_when_that_one_goes() -> None:
    there = RpcWorker()
    with contextlib.closing(socket.create_connection(("127.0.0.1", there.port))):
        assert worker.look(there.address, 0.3).state == worker.BUSY
    assert worker.look(there.address).state == worker.ANSWERS
    there.die()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks another protocol"),
        (b"", "hangs up"),
        (b"\x02" + bytes(7) + b"ab", "answers HELLO by 2 bytes"),
    ],
)
def test_whoever_is_no_worker_is_told_from_one(answer: bytes, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(33, socket.MSG_WAITALL)
                client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        seen = worker.look(f"127.0.0.1:{listener.getsockname()[1]}")
    assert (seen.state, seen.why) == (worker.STRANGE, why)


def test_nobody_listens_where_none_is() -> None:
    assert worker.look(f"127.0.0.1:{ports.free()}").state == worker.UNREACHABLE


def until(place: socket.socket, state: str) -> bool:
    for _look in range(100):
        if worker.state(place) == state:
            return True
        threading.Event().wait(0.02)
    return False


def test_a_place_in_the_queue_breaks_with_the_worker_and_not_before() -> None:
    there = RpcWorker()
    with (
        contextlib.closing(socket.create_connection(("127.0.0.1", there.port))),
        contextlib.closing(worker.queue(there.address)) as place,
    ):
        assert worker.state(place) == worker.BUSY
        there.die()
        assert until(place, worker.UNREACHABLE)


def test_whoever_waits_knows_when_nobody_is_served_any_more() -> None:
    there = RpcWorker()
    head = socket.create_connection(("127.0.0.1", there.port))
    with contextlib.closing(worker.queue(there.address)) as place:
        assert worker.state(place) == worker.BUSY
        head.close()
        assert until(place, worker.ANSWERS)
    there.die()


@pytest.mark.parametrize(
    "address",
    ["10.77.0.2", "10.77.0.2:", "10.77.0.2:0", "10.77.0.2:70000", "[fd00::2]:50052", "fd00::2:50052", ":1", "a b:1"],
)
def test_what_is_no_address_is_refused_with_one_that_is(address: str) -> None:
    with pytest.raises(InputError, match="write host:port"):
        worker.parse(address)


@pytest.mark.parametrize("address", ["10.77.0.2", "172.16.0.1", "192.168.1.5", "100.64.0.7", "127.0.0.1"])
def test_a_worker_may_listen_in_a_private_network(address: str) -> None:
    assert worker.why_not_to_bind(address) == ""


@pytest.mark.parametrize(
    ("address", "why"),
    [
        # What images with RPC do by default.
        ("0.0.0.0", "every address"),
        ("::", "IPv6"),
        ("fd00::2", "IPv6"),
        ("8.8.8.8", "not of a private network"),
        ("169.254.1.1", "not of a private network"),
        ("224.0.0.1", "not of a private network"),
        ("255.255.255.255", "not of a private network"),
        ("worker.example.org", "no IP address"),
        ("", "no IP address"),
    ],
)
def test_a_worker_may_not_listen_elsewhere(address: str, why: str) -> None:
    assert why in worker.why_not_to_bind(address)
