# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a server in steps that fail one by one: the name, the connection, TLS.

No proxy is asked: what is probed is one's own service.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._http import safe_url

# In the order in which a question passes them.
STAGES = ("resolve", "connect", "tls", "request", "auth", "model", "loading", "generation", "answer")
_LONGEST_SOCKET_PATH = 107

# What OpenSSL calls the reasons for which people have to do something (X509_V_ERR_*), and what they have to do.
_CERTIFICATE_REMEDIES = {
    9: "is not valid yet. Check the clocks of both hosts",
    10: "has expired. Renew it, and check the clocks of both hosts",
    18: "is signed by itself and not known here. Name it, or the authority that ought to have signed it, in ca_path",
    19: "is signed by an authority that is not known here. Name that authority's certificate in ca_path",
    20: "is signed by an authority that is not known here. Name that authority's certificate in ca_path",
    21: "is signed by an authority that is not known here. Name that authority's certificate in ca_path",
    62: "is not for that name. Ask under a name that it holds, or make a certificate for this one",
    64: "is not for that address. Ask under a name that it holds, or make a certificate for this address",
}


class ProbeError(HearthError):
    """The question came as far as `stage`. `heals` says whether waiting alone can help."""

    def __init__(self, stage: str, message: str, *, heals: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.stage, self.heals, self.status = stage, heals, status


@dataclass(frozen=True)
class Way:
    """Where the server is, and how to get there."""

    # The base of the API, such as https://llm.example/v1.
    url: str
    # Reach this address instead of that of the name in `url`: `address` or `address:port`.
    connect_to: str | None = None
    # Go through this Unix socket; `url` then only says what to ask for.
    socket_path: str | None = None
    ca_path: str | None = None
    # What is offered to the server to speak (ALPN), the best first; empty: nothing is said of it.
    protocols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = self.parts
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"url: {safe_url(self.url)} must begin with http:// or https:// and name a host.")
        if self.connect_to and self.socket_path:
            raise InputError("connect_to and socket_path are two ways to one server: name one of them.")
        if self.socket_path and len(os.fsencode(self.socket_path)) > _LONGEST_SOCKET_PATH:
            raise InputError(
                f"socket_path: {self.socket_path} is longer than the {_LONGEST_SOCKET_PATH} bytes that Linux allows."
            )
        if not all(self.endpoint):
            raise InputError(f"connect_to: {self.connect_to} must be an address, or address:port.")

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url.rstrip("/"))

    @property
    def name(self) -> str:
        return self.parts.hostname or ""

    @property
    def endpoint(self) -> tuple[str, int]:
        """The host and the port that the connection goes to."""
        port = _port(self.parts) or {"http": 80, "https": 443}[self.parts.scheme]
        if not self.connect_to:
            return self.name, port
        bare = self.connect_to.count(":") > 1 and "[" not in self.connect_to
        there = urlsplit(f"//[{self.connect_to}]" if bare else f"//{self.connect_to}")
        return there.hostname or "", _port(there) or port

    @property
    def words(self) -> str:
        """The way as messages name it."""
        if self.socket_path:
            return f"{safe_url(self.url)} through {self.socket_path}"
        return f"{safe_url(self.url)} at {self.connect_to}" if self.connect_to else safe_url(self.url)

    def open(self, seconds: float) -> http.client.HTTPConnection:
        """A connection on which a request can be sent."""
        context = self._context() if self.parts.scheme == "https" else None
        plain = self._open_unix(seconds) if self.socket_path else self._open_tcp(seconds)
        connection = http.client.HTTPConnection(self.name)
        connection.sock = self._secured(plain, context) if context else plain
        return connection

    def _open_unix(self, seconds: float) -> socket.socket:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(seconds)
        try:
            plain.connect(self.socket_path or "")
        except OSError as error:
            plain.close()
            denied = isinstance(error, PermissionError)
            remedy = "Ask as a user who may write to it" if denied else "Check that the server runs and listens there"
            raise ProbeError(
                "connect", f"{self.socket_path} cannot be reached ({_reason(error)}). {remedy}.", heals=not denied
            ) from error
        return plain

    def _open_tcp(self, seconds: float) -> socket.socket:
        host, port = self.endpoint
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ProbeError(
                "resolve",
                f"the name {host} is not known ({_reason(error)}). Check it and the DNS of this host, or name the server's address in connect_to.",
                # A name server that is not there yet may come; one that says no means it.
                heals=isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN,
            ) from error
        failure: OSError | None = None
        for family, kind, protocol, _name, address in addresses:
            plain = socket.socket(family, kind, protocol)
            plain.settimeout(seconds)
            try:
                plain.connect(address)
                # The request is sent in two pieces; the second must not wait until the first is acknowledged.
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return plain
            except OSError as error:
                plain.close()
                failure = error
        raise ProbeError(
            "connect",
            f"{host}:{port} cannot be reached ({_reason(failure)}). Check that the server runs, on which address it listens, and the firewalls between.",
            heals=True,
        ) from failure

    def _secured(self, plain: socket.socket, context: ssl.SSLContext) -> socket.socket:
        try:
            return context.wrap_socket(plain, server_hostname=self.name)
        except ssl.SSLCertVerificationError as error:
            plain.close()
            remedy = _CERTIFICATE_REMEDIES.get(error.verify_code, f"is not trusted ({error.verify_message})")
            raise ProbeError("tls", f"the certificate that {self.words} shows {remedy}.", heals=False) from error
        except (OSError, ValueError) as error:
            plain.close()
            if getattr(error, "reason", "") in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
                raise ProbeError(
                    "tls", f"{self.words} does not speak TLS. Write http:// in url, or turn TLS on there.", heals=False
                ) from error
            # A server that has just begun to listen, or one that goes down.
            raise ProbeError(
                "tls",
                f"the TLS handshake with {self.words} broke off ({_reason(error)}). Look at the server's log.",
                heals=True,
            ) from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.protocols:
            context.set_alpn_protocols(list(self.protocols))
        if self.ca_path:
            where = "capath" if os.path.isdir(self.ca_path) else "cafile"
            try:
                context.load_verify_locations(**{where: self.ca_path})
            except OSError as error:
                raise ProbeError(
                    "tls",
                    f"the certificates in ca_path {self.ca_path} cannot be read ({_reason(error)}). "
                    "Name a PEM file on this host, or a directory of hashed ones.",
                    heals=False,
                ) from error
        return context


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise InputError(f"{parts.netloc.rpartition('@')[2]} has no valid port ({error}).") from error


def _reason(error: BaseException | None) -> str:
    if isinstance(error, socket.timeout):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
