# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m ….module_utils._backup.program SETTINGS.json [HH:MM]: takes a snapshot, or one each day at that time (UTC) until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
import zlib
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import settings, snapshot
from ansible_collections.hearth.llm.plugins.module_utils._backup.restic import LONG_PATIENCE
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

DAY = 86400
# As the timer of systemd has it (RandomizedDelaySec).
SPREAD_SECONDS = 900


def say(text: str) -> None:
    logging.getLogger("backup").info("%s", text)


def once(path: str) -> int:
    try:
        taken = snapshot.take(settings.read(path), patience=LONG_PATIENCE)
    except (HearthError, OSError) as error:
        say(f"The backup has failed. {error}")
        return 1
    say(
        f"Snapshot {taken['snapshot'][:8]}: {taken['words']}; {taken['bytes_added']} bytes added in {taken['seconds']} s."
    )
    return 0


def next_time(at: str, now: float, delay: float = 0) -> float:
    """The next moment, in UTC, at which the clock shows it, and `delay` later."""
    hour, minute = (int(part) for part in at.split(":"))
    due = now - now % DAY + hour * 3600 + minute * 60 + delay
    # One that began before midnight may still be due.
    return min(moment for moment in (due - DAY, due, due + DAY) if moment > now)


def delay_of(host: str) -> float:
    """Hosts that share a repository do not all come at once, and each comes at the same time every day."""
    return float(zlib.crc32(host.encode()) % SPREAD_SECONDS)


def daily(path: str, at: str) -> int:
    ending = threading.Event()

    def end(_number: int, _frame: Any) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    delay = delay_of(settings.read(path).host)
    due = next_time(at, time.time(), delay)
    say(f"The next snapshot is taken at {time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime(due))}.")
    # A clock that is set is noticed within the minute.
    while not ending.wait(min(60.0, max(0.1, due - time.time()))):
        if time.time() >= due:
            once(path)
            due = next_time(at, time.time(), delay)
    return 0


def main(path: str, at: str = "") -> int:
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    return daily(path, at) if at else once(path)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
