# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m ….module_utils._rpc.program [--worker HOST:PORT]… -- COMMAND…: runs a head of llama.cpp while all of its workers are there.

A head that is started without one of them aborts, one that loses it aborts with the next request, or waits for ever where the worker's host is gone without a
word. So the head is started when each worker has answered, ended when one is lost, and started again once all answer. Meanwhile nobody listens at its port, by
which the gateway knows that it is down. It ends with SIGTERM, by which the head ends, too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._rpc import worker

if TYPE_CHECKING:
    from socket import socket
    from typing import Any, Callable, Sequence

LOOK_SECONDS = 0.2
AGAIN_SECONDS = 1.0
# A head that does not come up is not to be started in a circle: it may be its own fault.
SHORT_SECONDS, LONGEST_PAUSE = 10.0, 30.0
ENDING_SECONDS = 10.0


class Keeper:
    def __init__(self, workers: Sequence[str], command: Sequence[str], say: Callable[[str], None]) -> None:
        self._workers, self._command, self._say = workers, command, say
        self.is_ending = False
        self._said = ""

    def run(self) -> int:
        pause = AGAIN_SECONDS
        while not self.is_ending:
            if not self._all_answer():
                self._wait(AGAIN_SECONDS)
                continue
            started = time.monotonic()
            self._keep()
            lasted = time.monotonic() - started
            pause = AGAIN_SECONDS if lasted > SHORT_SECONDS else min(2 * pause, LONGEST_PAUSE)
            self._wait(pause)
        return 0

    def _all_answer(self) -> bool:
        """Whether each can be served by now, and all speak the same version. What keeps the head waiting is said once."""
        looked = [worker.look(address) for address in self._workers]
        waits = [f"{one.address} {one.why}" for one in looked if one.state != worker.ANSWERS]
        versions = {one.version for one in looked}
        if not waits and len(versions) > 1:
            waits = ["they answer by different versions of the protocol: " + ", ".join(sorted(versions))]
        said = f"The head waits for its workers: {'; '.join(waits)}." if waits else ""
        if said and said != self._said:
            self._say(said)
        self._said = said
        return not waits

    def _keep(self) -> None:
        self._say(f"All workers answer ({', '.join(self._workers)}): the head is started.")
        head = subprocess.Popen(self._command)
        # While it connects to its workers for the first time, nobody else does.
        self._wait_for(head, AGAIN_SECONDS)
        places: dict[str, socket] = {}
        try:
            lost = self._watch(head, places)
            if lost:
                self._say(f"{lost} is lost: the head is ended, and started again once all workers answer.")
        finally:
            self._end(head)
            for place in places.values():
                place.close()
        if not self.is_ending:
            self._say(f"The head has ended with {head.returncode}.")

    def _watch(self, head: subprocess.Popen[bytes], places: dict[str, socket]) -> str:
        """Until the head ends, or a worker is lost: which one.

        Behind the head in the queue of each worker. Who is served there makes way, for the head connects more than once while it loads.
        """
        while head.poll() is None and not self.is_ending:
            for address in self._workers:
                try:
                    if address not in places:
                        places[address] = worker.queue(address)
                except OSError:
                    return address
                state = worker.state(places[address])
                if state == worker.UNREACHABLE:
                    return address
                if state == worker.ANSWERS:
                    places.pop(address).close()
            self._wait_for(head, LOOK_SECONDS if len(places) == len(self._workers) else AGAIN_SECONDS)
        return ""

    def _end(self, head: subprocess.Popen[bytes]) -> None:
        if head.poll() is None:
            head.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                head.wait(ENDING_SECONDS)
        if head.poll() is None:
            # It waits for a worker that is gone, and hears no signal meanwhile.
            head.kill()
        head.wait()

    def _wait_for(self, head: subprocess.Popen[bytes], seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            head.wait(seconds)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.is_ending and time.monotonic() < end:
            time.sleep(min(LOOK_SECONDS, seconds))


def say(text: str) -> None:
    sys.stdout.write(f"head: {text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    words = list(arguments)
    workers = []
    while words[:1] == ["--worker"] and len(words) > 1:
        workers.append(words[1])
        words = words[2:]
    if words[:1] != ["--"] or len(words) < 2 or not workers:
        sys.stderr.write(str(__doc__))
        return 2
    try:
        for address in workers:
            worker.parse(address)
    except HearthError as error:
        say(error.message)
        return 2
    keeper = Keeper(workers, words[1:], say)

    def end(_number: int, _frame: Any) -> None:
        keeper.is_ending = True

    # The first process of a container hears no signal that it has not asked for.
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return keeper.run()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    raise SystemExit(main(sys.argv[1:]))
