# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with kept-alive connections that ask one request after another, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import random
import re
import ssl
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Door:
    """Where the API is asked for; with an authority over TLS."""

    name: str
    port: int
    key: str = "none"
    authority: Path | None = None
    # What the command lines of its processes have in them.
    program: str = ""

    def _of_processes(self, file: str) -> Iterator[str]:
        for process in Path("/proc").iterdir():
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                if self.program and process.name.isdecimal() and self.program in (process / "cmdline").read_text():
                    yield (process / file).read_text()

    def _memory(self, kind: str) -> int:
        found = [re.search(rf"^{kind}:\s+(\d+) kB", text, re.MULTILINE) for text in self._of_processes("status")]
        return sum(int(match[1]) * 1024 for match in found if match)

    @property
    def memory(self) -> int:
        """Bytes that its processes take together."""
        return self._memory("VmRSS")

    @property
    def most_memory(self) -> int:
        """Bytes that its processes have taken together, each when it took most."""
        return self._memory("VmHWM")

    @property
    def computed(self) -> float:
        """Seconds that its processes have computed, which is the same on a machine that is busy otherwise."""
        # Behind the name, which may hold spaces, the twelfth and the thirteenth are ticks for itself and within the system.
        fields = [text.rpartition(")")[2].split() for text in self._of_processes("stat")]
        return sum(int(ticks) for one in fields for ticks in one[11:13]) / os.sysconf("SC_CLK_TCK")

    @property
    def tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


@dataclass
class Seen:
    """Seconds that requests took, those that failed, and how long all of it took."""

    seconds: list[float] = field(default_factory=list)
    # Until the first token of those that were streamed.
    first: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    wall: float = 0
    # Seconds that the door has computed for them.
    computed: float = 0

    def add(self, other: Seen) -> None:
        self.seconds += other.seconds
        self.first += other.first
        self.failures += other.failures
        self.wall += other.wall
        self.computed += other.computed

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98]

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall


class Client:
    """One connection, opened when it is needed."""

    def __init__(
        self, door: Door, *, tokens: int, stream: bool, length: int = 1, models: Sequence[str] = ("bench",)
    ) -> None:
        """It asks one of the models after the other."""
        body = {"messages": [{"role": "user", "content": "x" * length}], "max_tokens": tokens, "stream": stream}
        self._door = door
        self._requests = itertools.cycle([_request(door.key, {"model": model, **body}) for model in models])
        self._tls = door.tls
        self._stream = stream
        self._writer: asyncio.StreamWriter | None = None
        # When the first token of the last answer came.
        self.first = 0.0

    async def ask(self) -> str:
        """Empty when it was answered, and otherwise what came instead."""
        try:
            if self._writer is None:
                name = "localhost" if self._tls else None
                self._reader, self._writer = await asyncio.open_connection(
                    "127.0.0.1", self._door.port, ssl=self._tls, server_hostname=name
                )
            self._writer.write(next(self._requests))
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            if self._stream:
                text = await self._reader.readuntil(b"\n\n")
                self.first = time.perf_counter()
                text += await self._reader.readuntil(b"\r\n0\r\n\r\n")
            elif b"content-length:" in head:
                text = await self._reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            else:
                text = await self._reader.readuntil(b"\r\n0\r\n\r\n")
            if b"connection: close" in head:
                self.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            return repr(error)
        is_whole = b" 200 " in head.split(b"\r\n", 1)[0] and (not self._stream or b"[DONE]" in text)
        return "" if is_whole else (head.split(b"\r\n", 1)[0] + text[:200]).decode(errors="replace")

    def close(self) -> None:
        if self._writer:
            self._writer.close()
            self._writer = None


def _request(key: str, body: dict[str, object]) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def closed_loop(
    door: Door,
    concurrency: int,
    requests: int,
    *,
    tokens: int,
    stream: bool | None,
    length: int = 1,
    models: Sequence[str] = ("bench",),
    keys: Sequence[str] = (),
) -> Seen:
    """So many clients that each ask again as soon as they are answered, until all requests are answered.

    With `stream` None every other client streams. Each client begins with another model, and has another one of the keys.
    """
    seen = Seen()
    left = iter(range(requests))

    async def work(number: int) -> None:
        own = dataclasses.replace(door, key=keys[number % len(keys)]) if keys else door
        first = number * len(models) // concurrency
        streams = number % 2 == 1 if stream is None else stream
        client = Client(own, tokens=tokens, stream=streams, length=length, models=[*models[first:], *models[:first]])
        await client.ask()
        await ready.wait()
        for _number in left:
            await measured(client, seen)
        client.close()

    ready = asyncio.Barrier(concurrency + 1)
    clients = [asyncio.create_task(work(number)) for number in range(concurrency)]
    await ready.wait()
    begin, computed = time.perf_counter(), door.computed
    await asyncio.gather(*clients)
    seen.wall, seen.computed = time.perf_counter() - begin, door.computed - computed
    return seen


async def open_loop(
    door: Door, per_second: float, requests: int, *, tokens: int, models: Sequence[str] = ("bench",)
) -> Seen:
    """Requests that come by chance, so many a second on average, whether those before are answered or not. Every other is streamed."""
    seen, resting = Seen(), {stream: list[Client]() for stream in (False, True)}
    chance = random.Random(1)

    async def ask(stream: bool) -> None:
        client = resting[stream].pop() if resting[stream] else Client(door, tokens=tokens, stream=stream, models=models)
        await measured(client, seen)
        resting[stream].append(client)

    begin, computed = time.perf_counter(), door.computed
    at, asked = begin, []
    for number in range(requests):
        at += chance.expovariate(per_second)
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        asked.append(asyncio.create_task(ask(number % 2 == 1)))
    await asyncio.gather(*asked)
    seen.wall, seen.computed = time.perf_counter() - begin, door.computed - computed
    for client in itertools.chain(*resting.values()):
        client.close()
    return seen


async def measured(client: Client, seen: Seen) -> None:
    begin = time.perf_counter()
    failure = await client.ask()
    if failure:
        seen.failures.append(failure)
    else:
        seen.seconds.append(time.perf_counter() - begin)
        if client.first > begin:
            seen.first.append(client.first - begin)
