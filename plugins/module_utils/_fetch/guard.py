# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time in a directory, and a run that ends when nobody waits for it any more."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import time
from typing import Any, Iterator

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError


class StoppedError(HearthError):
    """Someone wants us to stop. What is proven is kept."""


class BusyError(HearthError):
    """Another run has the directory."""


def is_awaited(path: str) -> bool:
    """Whether somebody waits for the lock file that we hold."""
    fd = os.open(path + ".awaited", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@contextlib.contextmanager
def exclusive(path: str, wait_seconds: float) -> Iterator[None]:
    """Holds the lock file; waits for another run, and says which one it is when that takes too long. Whoever waits can be seen by who holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    awaits = -1
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BusyError(
                        f"Another run{_holder(fd)} fetches into {os.path.dirname(os.path.dirname(path))} and did not end within "
                        f"{wait_seconds:.0f} s. Wait for it, or stop it, and run again; nothing that it has fetched is lost."
                    ) from None
            if awaits < 0:
                awaits = os.open(path + ".awaited", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                fcntl.flock(awaits, fcntl.LOCK_SH)
            time.sleep(0.2)
        if awaits >= 0:
            os.close(awaits)
            awaits = -1
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}).encode(), 0)
        yield
    finally:
        # Closing lets go of the lock, as the end of the process does, however it ends.
        os.close(fd)
        if awaits >= 0:
            os.close(awaits)


def _holder(fd: int) -> str:
    try:
        holder = json.loads(os.pread(fd, 200, 0))
        return f" (process {holder['pid']}, since {holder['since']})"
    except (ValueError, KeyError):
        return ""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turns the signals that end a process into an exception, once, so that the journal is written on the way out."""
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def stop(number: int, _frame: Any) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise StoppedError(
            f"Stopped by {signal.Signals(number).name}. What was fetched and proven is kept: run again to go on."
        )

    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Listener:
    """Notices that the other end of our standard output is gone: Ansible was killed, or the SSH connection broke."""

    def __init__(self, fd: int = 1) -> None:
        self._poll = select.poll()
        self._poll.register(fd, 0)

    def check(self) -> None:
        if any(event & (select.POLLERR) for _fd, event in self._poll.poll(0)):
            raise StoppedError(
                "Nobody waits for this run any more. What was fetched and proven is kept: run again to go on."
            )
