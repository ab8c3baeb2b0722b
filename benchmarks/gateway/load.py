# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with kept-alive connections that ask one request after another, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import ssl
import statistics
import time
from collections.abc import Iterator
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

    @property
    def most_memory(self) -> int:
        """Bytes that its processes have taken together, each when it took most."""
        found = [re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE) for text in self._of_processes("status")]
        return sum(int(match[1]) * 1024 for match in found if match)

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

    def __init__(self, door: Door, *, tokens: int, stream: bool, length: int = 1) -> None:
        body = {
            "model": "bench",
            "messages": [{"role": "user", "content": "x" * length}],
            "max_tokens": tokens,
            "stream": stream,
        }
        data = json.dumps(body).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {door.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self._door, self._request, self._end = door, head.encode() + data, tokens
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
            self._writer.write(self._request)
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


async def closed_loop(
    door: Door, concurrency: int, requests: int, *, tokens: int, stream: bool, length: int = 1
) -> Seen:
    """So many clients that each ask again as soon as they are answered, until all requests are answered."""
    seen = Seen()
    left = iter(range(requests))

    async def work() -> None:
        client = Client(door, tokens=tokens, stream=stream, length=length)
        await client.ask()
        await ready.wait()
        for _number in left:
            await measured(client, seen)
        client.close()

    ready = asyncio.Barrier(concurrency + 1)
    clients = [asyncio.create_task(work()) for _client in range(concurrency)]
    await ready.wait()
    begin, computed = time.perf_counter(), door.computed
    await asyncio.gather(*clients)
    seen.wall, seen.computed = time.perf_counter() - begin, door.computed - computed
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
