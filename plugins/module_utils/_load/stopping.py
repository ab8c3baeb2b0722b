# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run hears that nobody wants it any more. PRIVATE to the collection.

Who runs it by hand presses Ctrl-C. Under Ansible that reaches the controller alone, which ends its own worker; a module whose result nobody will read
learns it from its standard output, whose other end is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import signal
import sys
from typing import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def heard(stop: Callable[[], None]):  # type: ignore[no-untyped-def]
    """Calls `stop` on a signal of this process. Gives what is to be called now and then, and looks whether somebody still listens."""
    loop = asyncio.get_event_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield lambda: stop() if nobody_listens() else None
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def nobody_listens(descriptor: int | None = None) -> bool:
    """Whether the other end of standard output is closed. A file or a terminal that is there has no other end."""
    try:
        number = sys.__stdout__.fileno() if descriptor is None and sys.__stdout__ else descriptor
    except (OSError, ValueError):
        return False
    if number is None:
        return False
    poll = select.poll()
    poll.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _number, event in poll.poll(0))
