# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m ….module_utils._nodes.program --nodes COUNT --model HASH --listen HOST:PORT -- COMMAND… -- WORDS…
python3 -m ….module_utils._nodes.program --rank RANK --model HASH --join HOST:PORT -- COMMAND…

Runs the parts of one model on several hosts: each COMMAND with the WORDS of the first host behind it. They begin when all are there. When one ends, or its host
is lost, all are ended, and begin anew together: vLLM's parts watch the processes of their own host alone (0.32.0, v1/executor/multiproc_executor.py), and
take none back that was started anew. Meanwhile nobody listens at the port of the API, by which the gateway knows that the model is away. Ends with SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._nodes import meeting

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

AGAIN_SECONDS = 1.0
# What does not come up is not to be started in a circle: it may be its own fault.
SHORT_SECONDS, LONGEST_PAUSE = 10.0, 30.0
ENDING_SECONDS = 20.0


class Keeper:
    def __init__(self, command: Sequence[str], say: Callable[[str], None]) -> None:
        self._command, self._say = list(command), say
        self.is_ending = False

    def first(self, gathered: meeting.Meeting, told: Sequence[str]) -> None:
        def once() -> None:
            places = gathered.gather(told, self._ends)
            try:
                if places:
                    self._say("All hosts are there: the model is started.")
                    self._keep(told, places)
            finally:
                gathered.leave(places)

        self._again(once)

    def other(self, address: str, rank: int, model: str) -> None:
        said = [""]

        def once() -> None:
            why, told = "", None
            try:
                place = meeting.join(address, rank, model)
            except OSError as error:
                why = f"does not answer: {error.strerror or error}"
            else:
                try:
                    told = self._until_told(place)
                    if told and "told" in told:
                        self._say("The first host has all: the part is started.")
                        self._keep([str(word) for word in told["told"]], [place])
                    elif told:
                        why = f"refuses: {told.get('refused')}"
                finally:
                    place.close()
            if why and why != said[0]:
                self._say(f"The first host, {address}, {why}.")
            said[0] = why

        self._again(once)

    def _ends(self) -> bool:
        return self.is_ending

    def _again(self, once: Callable[[], None]) -> None:
        wait = AGAIN_SECONDS
        while not self.is_ending:
            self._lasted = AGAIN_SECONDS + SHORT_SECONDS
            once()
            wait = AGAIN_SECONDS if self._lasted > SHORT_SECONDS else min(2 * wait, LONGEST_PAUSE)
            meeting.pause(wait, self._ends)

    def _until_told(self, place: meeting.Place) -> dict[str, Any] | None:
        while not self.is_ending:
            said = place.line()
            if said is not None or place.is_lost:
                return said
            meeting.wait_for(place, meeting.LOOK_SECONDS)
        return None

    def _keep(self, told: Sequence[str], places: Sequence[meeting.Place]) -> None:
        began = time.monotonic()
        # A session of its own, so that all processes of the part can be ended.
        part = subprocess.Popen([*self._command, *told], start_new_session=True)
        while part.poll() is None and not self.is_ending and all(place.is_there() for place in places):
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.wait(meeting.LOOK_SECONDS)
        if part.poll() is None and not self.is_ending:
            self._say("Another host is lost, or its part has ended: this part is ended, too, and all begin anew.")
        elif not self.is_ending:
            self._say(f"This part has ended with {part.returncode}: all begin anew.")
        _end(part)
        self._lasted = time.monotonic() - began


def _end(part: subprocess.Popen[bytes]) -> None:
    """With all that it has started: whoever stays would keep the GPU's memory from the next one."""
    deadline = time.monotonic() + ENDING_SECONDS
    _signal(part, signal.SIGTERM)
    while _is_there(part) and time.monotonic() < deadline:
        time.sleep(meeting.LOOK_SECONDS)
    _signal(part, signal.SIGKILL)
    while _is_there(part):
        time.sleep(meeting.LOOK_SECONDS)


def _signal(part: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(part.pid, number)


def _is_there(part: subprocess.Popen[bytes]) -> bool:
    """Its processes, too. In a container they are left to this program when their parent goes, and stay until they are asked how they ended."""
    if part.poll() is None:
        return True
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-part.pid, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(part.pid, 0)
    except ProcessLookupError:
        return False
    return True


def say(text: str) -> None:
    sys.stdout.write(f"nodes: {text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="nodes", usage=__doc__)
    parser.add_argument("--model", default="")
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("--listen", default="")
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--join", default="")
    own, command, told = [*_parted(arguments), [], []][:3]
    given = parser.parse_args(own)
    if not command or bool(given.listen) == bool(given.join) or (given.nodes < 2 if given.listen else given.rank < 1):
        sys.stderr.write(str(__doc__))
        return 2
    keeper = Keeper(command, say)

    def end(_number: int, _frame: Any) -> None:
        keeper.is_ending = True

    # The first process of a container hears no signal that it has not asked for.
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        meeting.parse(given.listen or given.join)
        if given.listen:
            keeper.first(meeting.Meeting(given.listen, given.nodes, given.model, say), told)
        else:
            keeper.other(given.join, given.rank, given.model)
    except (HearthError, OSError) as error:
        say(str(error))
        return 2
    return 0


def _parted(words: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "--" and len(parts) < 3:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
