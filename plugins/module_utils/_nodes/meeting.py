# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the parts of a model on several hosts wait for each other.

Each part connects to the first one and says which it is, and of which model, in a line of JSON. The first one answers with a line when all are there: what
they are told. The connection stays as long as they run, and whoever loses it knows that another part is gone.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Callable, Sequence

_MOST_BYTES = 1 << 20
# A lost host says nothing: after so long without an answer the kernel takes a connection for dead.
_IDLE_SECONDS, _EVERY_SECONDS, _TIMES = 5, 2, 3
LOOK_SECONDS = 0.2


def parse(address: str) -> tuple[str, int]:
    host, _colon, port = str(address).rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f"{address!r} is no address of a meeting: write host:port.")
    return host.strip("[]"), int(port)


class Place:
    """One connection, by which lines come and go until it breaks."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _EVERY_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _TIMES)
        connection.setblocking(False)
        self.connection = connection
        self.is_lost = False
        self._unread = b""

    def line(self) -> dict[str, Any] | None:
        """The next line, if it is there. What is none loses the connection."""
        try:
            piece = self.connection.recv(_MOST_BYTES)
            self.is_lost = not piece
            self._unread += piece
        except BlockingIOError:
            pass
        except OSError:
            self.is_lost = True
        first, newline, rest = self._unread.partition(b"\n")
        if not newline:
            self.is_lost = self.is_lost or len(first) >= _MOST_BYTES
            return None
        self._unread = rest
        with contextlib.suppress(ValueError):
            said = json.loads(first.decode("utf-8", "replace"))
            if isinstance(said, dict):
                return said
        self.is_lost = True
        return None

    def say(self, said: dict[str, Any]) -> None:
        try:
            self.connection.setblocking(True)
            self.connection.sendall(json.dumps(said).encode() + b"\n")
            self.connection.setblocking(False)
        except OSError:
            self.is_lost = True

    def is_there(self) -> bool:
        """Nothing is said once all have begun: whatever comes then is the end."""
        self.line()
        return not self.is_lost

    def close(self) -> None:
        self.connection.close()


class Meeting:
    """That of the first part."""

    def __init__(self, address: str, count: int, model: str, say: Callable[[str], None]) -> None:
        self._listener = socket.create_server(parse(address), backlog=count)
        self._count, self._model, self._say = count, model, say
        # Connections that have not said who they are, and the parts that are there, by their rank.
        self._strangers: list[Place] = []
        self._parts: dict[int, Place] = {}
        self._said = ""

    def gather(self, told: Sequence[str], is_ending: Callable[[], bool]) -> list[Place]:
        """Waits for all parts, and tells them to begin; none where the program ends."""
        while not is_ending():
            missing = [str(rank) for rank in range(1, self._count) if rank not in self._parts]
            if not missing:
                places, self._parts = list(self._parts.values()), {}
                for place in places:
                    place.say({"told": list(told)})
                return places
            self._complain(f"waits for the hosts of rank {', '.join(missing)}")
            self._listen()
        return []

    def leave(self, places: Sequence[Place]) -> None:
        for place in [*places, *self._strangers, *self._parts.values()]:
            place.close()
        self._strangers, self._parts, self._said = [], {}, ""

    def _listen(self) -> None:
        there = [self._listener, *(place.connection for place in [*self._strangers, *self._parts.values()])]
        if self._listener in select.select(there, [], [], LOOK_SECONDS)[0]:
            self._strangers.append(Place(self._listener.accept()[0]))
        for place in list(self._strangers):
            said = place.line()
            if said is not None:
                self._strangers.remove(place)
                self._seat(place, said)
            elif place.is_lost:
                self._strangers.remove(place)
                place.close()
        # Who has waited and is gone is waited for again.
        for rank, place in list(self._parts.items()):
            if not place.is_there():
                self._parts.pop(rank).close()

    def _seat(self, place: Place, said: dict[str, Any]) -> None:
        rank = said.get("rank")
        if not isinstance(rank, int) or not 0 < rank < self._count:
            place.close()
            return
        if said.get("model") != self._model:
            # Otherwise the layers of two versions of a model would be put together.
            self._complain(f"does not begin with the host of rank {rank}, whose files of the model are others")
            place.say({"refused": "the files of the model are others than those of the first host"})
            place.close()
            return
        if rank in self._parts:
            self._parts[rank].close()
        self._parts[rank] = place

    def _complain(self, words: str) -> None:
        """Once, as long as it is the same."""
        if words != self._said:
            self._say(f"The first host {words}.")
        self._said = words


def join(address: str, rank: int, model: str, seconds: float = 3.0) -> Place:
    """A place at the first host's meeting."""
    place = Place(socket.create_connection(parse(address), seconds))
    place.say({"rank": rank, "model": model})
    return place


def wait_for(place: Place, seconds: float) -> None:
    """Until something comes, or the time is over."""
    with contextlib.suppress(OSError, ValueError):
        select.select([place.connection], [], [], seconds)


def pause(seconds: float, is_ending: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not is_ending() and time.monotonic() < end:
        time.sleep(min(LOOK_SECONDS, seconds))
