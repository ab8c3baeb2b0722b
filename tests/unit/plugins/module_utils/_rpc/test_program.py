# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A head runs while its workers are there, and comes back with them."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._rpc import program
from fakes.kept import Kept
from fakes.rpc_worker import RpcWorker

# Takes its worker twice, as llama-server does while it finds out what fits, and says so; never notices that it is lost.
HEAD = """
import socket, sys, time
for _time in range(2):
    hello = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    hello.sendall(bytes([14, 24]) + bytes(7 + 24))
    assert hello.recv(36, socket.MSG_WAITALL)
    time.sleep(0.8)
    hello.close()
    time.sleep(0.8)
taken = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
taken.sendall(bytes([14, 24]) + bytes(7 + 24))
assert taken.recv(36, socket.MSG_WAITALL)
print("served", flush=True)
time.sleep(600)
"""


@pytest.fixture
def kept() -> Iterator[tuple[RpcWorker, Kept]]:
    worker = RpcWorker()
    keeper = Kept("_rpc.program", "--worker", worker.address, "--", sys.executable, "-c", HEAD, str(worker.port))
    yield worker, keeper
    with contextlib.suppress(ProcessLookupError):
        keeper.process.kill()
    worker.die()


def test_a_head_is_ended_with_its_worker_and_started_when_that_is_back(kept: tuple[RpcWorker, Kept]) -> None:
    worker, keeper = kept
    keeper.until("All workers answer", 20)
    keeper.until("served", 20)
    # Until it watches.
    time.sleep(program.AGAIN_SECONDS + 2 * program.LOOK_SECONDS)
    worker.die()
    keeper.until(f"{worker.address} is lost", 20)
    keeper.until("The head waits for its workers", 20)
    back = RpcWorker(port=worker.port)
    keeper.until("served", 20)
    keeper.process.send_signal(signal.SIGTERM)
    assert keeper.process.wait(20) == 0
    back.die()


def test_workers_of_several_versions_start_no_head() -> None:
    workers = [RpcWorker(), RpcWorker((3, 6, 0))]
    said: list[str] = []
    keeper = program.Keeper([worker.address for worker in workers], ["/bin/false"], said.append)
    threading.Timer(0.5, lambda: setattr(keeper, "is_ending", True)).start()
    assert keeper.run() == 0
    assert said == ["The head waits for its workers: they answer by different versions of the protocol: 3.6.0, 8.0.0."]
    for worker in workers:
        worker.die()


@pytest.mark.parametrize(
    "words", [[], ["--worker", "a:1"], ["--worker", "a:1", "--"], ["--", "true"], ["--worker", "a", "--", "true"]]
)
def test_a_wrong_command_line_ends_at_once(words: list[str]) -> None:
    assert program.main(words) == 2
