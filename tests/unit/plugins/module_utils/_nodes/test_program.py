# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a model begin together, and together again when one of them is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.kept import Kept

# Starts a process of its own as vLLM does, says what it was told, and stays; neither heeds SIGTERM of its own accord.
PART = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("began", os.getpid(), child.pid, *sys.argv[1:], flush=True)
time.sleep(600)
"""


class Part(Kept):
    def __init__(self, *words: str, told: tuple[str, ...] = ()) -> None:
        command = [*words, "--", sys.executable, "-c", PART, *(("--", *told) if told else ())]
        super().__init__("_nodes.program", *command)

    def began(self) -> tuple[int, int, list[str]]:
        part, child, *told = self.until("began").split()[1:]
        return int(part), int(child), told

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@pytest.fixture
def address() -> str:
    """One that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


@contextlib.contextmanager
def kept(*words: str, told: tuple[str, ...] = ()) -> Iterator[Part]:
    keeper = Part(*words, told=told)
    try:
        yield keeper
    finally:
        keeper.end()


def is_there(*processes: int) -> bool:
    return any(Path(f"/proc/{process}").exists() for process in processes)


def test_all_begin_with_what_the_first_one_says_and_begin_anew_when_one_is_gone(address: str) -> None:
    other = ("--rank", "1", "--model", "abc", "--join", address)
    # Whoever comes first waits.
    with kept(*other) as second:
        second.until(f"The first host, {address}, does not answer")
        with kept("--nodes", "2", "--model", "abc", "--listen", address, told=("--nnodes", "2")) as first:
            head, head_child, told = first.began()
            part, part_child, told_too = second.began()
            assert told == told_too == ["--nnodes", "2"]

            # A process that dies takes the other host's part along, with all that this had started.
            os.kill(part, signal.SIGKILL)
            first.until("Another host is lost, or its part has ended")
            head_again, *_ = first.began()
            part_again, *_ = second.began()
            assert not is_there(head, head_child, part, part_child)
            assert is_there(head_again)
            assert is_there(part_again)
        second.until("Another host is lost")
    assert not is_there(head_again, part_again)


def test_another_model_is_not_begun_with(address: str) -> None:
    with (
        kept("--nodes", "2", "--model", "abc", "--listen", address) as first,
        kept("--rank", "1", "--model", "other", "--join", address) as second,
    ):
        first.until("does not begin with the host of rank 1, whose files of the model are others")
        second.until("refuses: the files of the model are others than those of the first host")


def test_it_says_how_it_is_used_where_it_is_told_nonsense() -> None:
    for words in (["--nodes", "1", "--listen", "127.0.0.1:1"], ["--rank", "1"], ["--listen", "x:1", "--join", "y:1"]):
        keeper = Part(*words)
        assert keeper.process.wait(20) == 2
