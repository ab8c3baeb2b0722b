# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers at a port, in the words of the one who has to close it."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._exposure.tls import TLS_1_2, accepted_version

if TYPE_CHECKING:
    from typing import Callable

    Connect = Callable[[], socket.socket]

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_PRINTABLE = re.compile(r"[^\x20-\x7e]+")
# Servers that speak first do so at once.
_SILENCE_SECONDS = 0.5
_MOST_BYTES = 4096


@dataclass(frozen=True)
class Reply:
    """The beginning of a plain HTTP answer."""

    status: int
    head: str
    body: str

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""

    @property
    def leads_to_https(self) -> bool:
        return 300 <= self.status < 400 and self.header("location").lower().startswith("https://")


@dataclass(frozen=True)
class Service:
    """What it is; `plain_http` where it talks HTTP without TLS; `danger` where it is worse than merely open."""

    words: str
    plain_http: bool = False
    danger: str = ""


def identify(connect: Connect, host: str) -> Service:
    """Listens, then asks in plain HTTP, then greets in TLS."""
    banner = _banner(connect)
    if banner:
        return Service(f"something that greets with '{banner}'")
    reply = plain_request(connect, host, "/")
    if reply:
        return _of_http(connect, host, reply)
    if accepted_version(connect, host, TLS_1_2) is not None:
        return Service("a server that speaks TLS")
    return Service("something that neither greets nor speaks HTTP or TLS")


def plain_request(connect: Connect, host: str, path: str) -> Reply | None:
    """The answer to GET without TLS, if that is HTTP."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    content = b""
    try:
        with connect() as wire:
            wire.sendall(request.encode("ascii"))
            while len(content) < _MOST_BYTES:
                piece = wire.recv(_MOST_BYTES)
                if not piece:
                    break
                content += piece
    except OSError:
        pass
    status = _STATUS.match(content)
    if not status:
        return None
    head, _blank, body = content.decode("utf-8", "replace").partition("\r\n\r\n")
    return Reply(int(status[1]), head, body)


def _banner(connect: Connect) -> str:
    try:
        with connect() as wire:
            wire.settimeout(_SILENCE_SECONDS)
            return _PRINTABLE.sub(" ", wire.recv(80).decode("latin-1")).strip()
    except OSError:
        return ""


def _of_http(connect: Connect, host: str, reply: Reply) -> Service:
    server = reply.header("server")
    words = f"HTTP without TLS, status {reply.status}" + (f", {server}" if server else "")
    if reply.leads_to_https:
        return Service("a redirect to HTTPS")
    ping = plain_request(connect, host, "/_ping")
    if ping and ping.header("api-version"):
        return Service(f"the Docker API, version {ping.header('api-version')}", True, "whoever reaches it is root")
    models = plain_request(connect, host, "/v1/models")
    if models and models.status == 200 and '"data"' in models.body:
        return Service("an inference engine", True, "it answers whoever asks, without a key")
    metrics = plain_request(connect, host, "/metrics")
    if metrics and metrics.status == 200 and "# TYPE" in metrics.body:
        return Service(f"metrics over {words}", True, "they tell who asks for what")
    return Service(words, True)
