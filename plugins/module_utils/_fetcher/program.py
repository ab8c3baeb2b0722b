# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m ….module_utils._fetcher.program MODELS.json DIRECTORY: listens in the directory until SIGTERM; SIGHUP has it read the file again."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.present import Present
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.server import Server
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.usage import Usage
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.work import Work

ENDING_SECONDS = 10.0


def say(text: str) -> None:
    logging.getLogger("fetcher").info("%s", text)


def main(path: str, directory: str) -> int:
    logging.basicConfig(
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    os.makedirs(directory, mode=0o700, exist_ok=True)
    present = Present(os.path.join(directory, "present"))
    usage = Usage(present.used)
    try:
        work = Work(Described.read(path), present, usage, say)
    except HearthError as error:
        say(error.message)
        return 2
    ending = threading.Event()

    def read_again(_number: int, _frame: Any) -> None:
        try:
            work.describe(Described.read(path))
        except HearthError as error:
            say(f"It goes on as it was told before: {error.message}")

    def end(_number: int, _frame: Any) -> None:
        ending.set()

    signal.signal(signal.SIGHUP, read_again)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server = Server(os.path.join(directory, "fetcher.sock"), work, usage)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    workers = [threading.Thread(target=line, daemon=True) for line in (work.fetch, work.load)]
    for worker in workers:
        worker.start()
    # A signal is answered between two looks.
    while not ending.wait(1):
        if not all(worker.is_alive() for worker in workers):
            say("One who fetches or loads has ended, which must not be.")
            return 1
    work.stop()
    # What has arrived is written down.
    for worker in workers:
        worker.join(ENDING_SECONDS)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
