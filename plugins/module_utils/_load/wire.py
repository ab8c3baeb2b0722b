# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to one server, kept alive. Bytes are read, and their time is taken, in the moment in which they come. PRIVATE to the collection."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Callable, Sequence
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._load.answer import AskError
from ansible_collections.hearth.llm.plugins.module_utils._load.events import Events
from ansible_collections.hearth.llm.plugins.module_utils._load.response import BrokenAnswerError, Response
from ansible_collections.hearth.llm.plugins.module_utils._url import safe_url

# Servers close a connection that is idle for some seconds, and a request that crosses that on its way would seem to fail.
IDLE_SECONDS = 4.0
_MOST_BODY = 16 * 1024 * 1024
_MOST_ERROR = 64 * 1024


@dataclass(frozen=True)
class Door:
    """Where the server is. `connect_to` is another address or address:port for the same name."""

    url: str
    connect_to: str | None = None
    ca_file: str | None = None

    def check(self) -> None:
        try:
            parts = urlsplit(self.url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            sound = False
        if not sound or parts.username or parts.query:
            raise InputError(
                f"url is {safe_url(self.url)}: write https://, a host and a path, without a user and without a question mark."
            )
        if self.ca_file and not os.path.exists(self.ca_file):
            raise InputError(
                f"ca_file {self.ca_file} does not exist: name a PEM file with the CA that signed for {parts.hostname}."
            )

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def netloc(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        return urlsplit(self.url).path.rstrip("/")

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not self.connect_to:
            return parts.hostname or "", port
        host, colon, own = self.connect_to.rpartition(":")
        if colon and own.isdigit() and (":" not in host or host.startswith("[")):
            return host.strip("[]"), int(own)
        return self.connect_to.strip("[]"), port

    def tls(self) -> ssl.SSLContext | None:
        if urlsplit(self.url).scheme != "https":
            return None
        context = ssl.create_default_context()
        # Who is trusted does not depend on the Python that asks (_http.Client).
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.ca_file:
            try:
                where = "capath" if os.path.isdir(self.ca_file) else "cafile"
                context.load_verify_locations(**{where: self.ca_file})
            except (OSError, ssl.SSLError) as error:
                raise InputError(f"ca_file {self.ca_file} holds no certificates ({error}): name a PEM file.") from error
        return context


class Exchange:
    """A request on its way: what comes is handed to its answer, until `done`."""

    def __init__(self, answer: Any, row: Any, began: float) -> None:
        self._answer, self._row, self._began = answer, row, began
        self._response = Response(self._body)
        self._events: Events | None = None
        self._whole: list[bytes] = []
        self._length = 0
        self._now = 0.0
        self.done: asyncio.Future[None] = asyncio.get_event_loop().create_future()

    @property
    def response(self) -> Response:
        return self._response

    @property
    def reusable(self) -> bool:
        return self._response.done and self._response.keep_alive

    def feed(self, data: bytes, now: float) -> None:
        self._now = now - self._began
        try:
            self._response.feed(data)
        except BrokenAnswerError as error:
            self.fail(AskError("protocol", f"the answer is no HTTP ({error})."))
        except AskError as failure:
            self.fail(failure)
        if self._response.done and not self.done.done():
            self._row.ended = self._now
            self.done.set_result(None)

    def closed(self, now: float, error: Exception | None) -> None:
        if self.done.done():
            return
        self._row.ended = now - self._began
        if self._response.end():
            self.done.set_result(None)
            return
        how = f" ({getattr(error, 'strerror', None) or error})" if error else ""
        when = "in the middle of the answer" if self._response.status else "before an answer came"
        self.fail(AskError("cut", f"the connection was closed {when}{how}."))

    def fail(self, failure: AskError) -> None:
        if not self.done.done():
            self._row.ended = max(self._row.ended, self._now)
            self.done.set_exception(failure)

    def _body(self, data: bytes) -> None:
        if self._response.status == 200 and self._answer.streams and self._is_stream():
            if self._events is None:
                self._events = Events()
            for name, text in self._events.feed(data):
                self._answer.event(name, text, self._now)
            return
        self._length += len(data)
        if self._length <= (_MOST_BODY if self._response.status == 200 else _MOST_ERROR):
            self._whole.append(data)

    def _is_stream(self) -> bool:
        return self._response.headers.get("content-type", "").lower().startswith("text/event-stream")

    @property
    def whole(self) -> bytes:
        return b"".join(self._whole)


class Wire(asyncio.Protocol):
    """One connection."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._transport: Any = None
        self._exchange: Exchange | None = None
        self.open = False
        self.idle_since = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport, self.open = transport, True

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:
            # Nothing was asked.
            self.close()
            return
        self._exchange.feed(data, self._clock())

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._exchange is not None:
            self._exchange.closed(self._clock(), exc)

    def send(self, request: bytes, exchange: Exchange) -> None:
        self._exchange = exchange
        if self.open:
            self._transport.write(request)
        else:
            exchange.closed(self._clock(), None)

    def rest(self) -> None:
        self._exchange, self.idle_since = None, self._clock()

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            # Not close(): what is not wanted any more is not waited for, and over TLS a server that is stuck would never say good-bye.
            self._transport.abort()


class Pool:
    """Connections that rest between two requests of whoever wants one."""

    def __init__(self, door: Door, clock: Callable[[], float]) -> None:
        self._door, self._clock = door, clock
        self._tls = door.tls()
        self._idle: list[Wire] = []
        self._lookup: asyncio.Future[Any] | None = None

    async def take(self) -> Wire:
        """The one that rested last, or a new one. AskError where there is none to be had."""
        while self._idle:
            wire = self._idle.pop()
            if wire.open and self._clock() - wire.idle_since < IDLE_SECONDS:
                return wire
            wire.close()
        return await self._new()

    def give_back(self, wire: Wire) -> None:
        if wire.open:
            wire.rest()
            self._idle.append(wire)

    def close(self) -> None:
        for wire in self._idle:
            wire.close()
        self._idle = []

    async def _new(self) -> Wire:
        loop = asyncio.get_event_loop()
        host, port = self._door.address
        if self._lookup is None:
            # Once, also for many who begin together: the server of names is not what is measured.
            self._lookup = asyncio.ensure_future(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        try:
            addresses = await asyncio.shield(self._lookup)
        except OSError as error:
            self._lookup = None
            raise AskError("connect", f"the name {host} is not known ({error.strerror}).") from error
        connected = await self._connected(loop, addresses)
        name = self._door.host if self._tls else None
        try:
            _transport, wire = await loop.create_connection(
                lambda: Wire(self._clock), sock=connected, ssl=self._tls, server_hostname=name
            )
        except (OSError, EOFError) as error:
            connected.close()
            why = getattr(error, "verify_message", "") or getattr(error, "strerror", None) or error
            raise AskError("tls", f"no trusted TLS connection to {self._door.netloc} ({why}).") from error
        except BaseException:
            connected.close()
            raise
        return wire

    async def _connected(self, loop: asyncio.AbstractEventLoop, addresses: Sequence[Any]) -> socket.socket:
        failure: OSError | None = None
        for family, kind, protocol, _name, address in addresses:
            try:
                made = socket.socket(family, kind, protocol)
            except OSError as error:
                failure = error
                continue
            made.setblocking(False)
            try:
                await loop.sock_connect(made, address)
            except OSError as error:
                made.close()
                failure = error
            except BaseException:
                made.close()
                raise
            else:
                return made
        why = failure.strerror if failure else "no address"
        raise AskError("connect", f"cannot connect to {self._door.netloc} ({why}).")
