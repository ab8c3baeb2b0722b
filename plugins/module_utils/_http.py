# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP over the standard library's http.client: kept-alive connections, proxies and CAs from the environment, bounded retries.

Bulk bytes need raw speed, so a body is read straight into the caller's buffer (`Response.readinto`), and a connection that was read to its
end is used again. A client may be shared by threads; a response belongs to one thread.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import ssl
import threading
import time
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Container, Mapping
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    InputError,
    ProtocolError,
    StatusError,
    TransportError,
)
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide
from ansible_collections.hearth.llm.plugins.module_utils._http_errors import status_error, transport_error
from ansible_collections.hearth.llm.plugins.module_utils._http_response import Response, Wire
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_header, check_token
from ansible_collections.hearth.llm.plugins.module_utils._url import is_loopback, safe_url, same_origin, secrets_of

__all__ = [
    "TRANSIENT",
    "USER_AGENT",
    "Client",
    "Response",
    "is_loopback",
    "retry_after_seconds",
    "safe_url",
    "same_origin",
]

USER_AGENT = "hearth.llm/1.0"
REDIRECTS = (301, 302, 303, 307, 308)
# Answers that may be different a moment later.
TRANSIENT = (408, 429, 500, 502, 503, 504)
IDEMPOTENT = ("GET", "HEAD", "OPTIONS")
_MAX_REDIRECTS = 8
_ERROR_BODY_BYTES = 4096


def retry_after_seconds(value: str | None, now: float | None = None) -> float | None:
    """Reads Retry-After, which is a number of seconds or a date; None where it is absent or makes no sense."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return None
    return max(0.0, when - (time.time() if now is None else now))


class Client:
    """Sends requests; follows redirects; waits and tries again where that makes sense.

    A token is sent to the host that it was given for and to no other, whatever redirects say.
    """

    def __init__(
        self,
        *,
        ca_path: str | None = None,
        connect_seconds: float = 15.0,
        read_seconds: float = 60.0,
        attempts: int = 5,
        longest_wait_seconds: float = 60.0,
        headers: Mapping[str, str] | None = None,
        pause: Callable[[float], None] = time.sleep,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self.ca_path = ca_path
        self.connect_seconds, self.read_seconds = connect_seconds, read_seconds
        self.attempts, self.longest_wait_seconds = attempts, longest_wait_seconds
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
        self._pause, self._notice = pause, notice
        self._context: ssl.SSLContext | None = None
        self._idle: dict[tuple[str, str, int, str], list[Wire]] = {}
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        token: str | None = None,
        expect: Container[int] = (200,),
        redirects: bool = True,
        attempts: int | None = None,
    ) -> Response:
        """The answer, when its status is expected; else StatusError, and TransportError where none came.

        Only requests that may be sent twice are, unless `attempts` says otherwise.
        """
        if token:
            hide(token)
            check_token(f"The key or token for {safe_url(url)}", token)
        tries = attempts or (self.attempts if method in IDEMPOTENT else 1)
        for attempt in range(1, tries + 1):
            try:
                response = self._follow(method, url, dict(headers or {}), body, token, expect, redirects)
                if response.status in expect:
                    return response
                error = _unexpected(response)
            except TransportError as failure:
                if attempt == tries or failure.stage in ("tls", "proxy"):
                    raise
                self._wait(attempt, None, failure.message)
            else:
                if attempt == tries or error.status not in TRANSIENT:
                    raise error
                self._wait(attempt, retry_after_seconds(error.headers.get("Retry-After")), error.message)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def json(self, method: str, url: str, *, payload: Any = None, **options: Any) -> Any:
        """Sends and reads JSON."""
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        body = None
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(payload).encode("utf-8")
        with self.request(method, url, headers=headers, body=body, **options) as response:
            return response.json()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for wires in idle.values():
            for wire in wires:
                wire.connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _wait(self, attempt: int, asked: float | None, why: str) -> None:
        seconds = 0.5 * 2 ** (attempt - 1) * random.uniform(0.8, 1.2) if asked is None else asked
        seconds = min(seconds, self.longest_wait_seconds)
        if self._notice:
            self._notice(f"{why} Trying again in {seconds:.0f} s.")
        self._pause(seconds)

    def _follow(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        token: str | None,
        expect: Container[int],
        redirects: bool,
    ) -> Response:
        """Sends the request and walks the redirects, unless a redirect is itself the expected answer."""
        hops: list[http.client.HTTPMessage] = []
        first = url
        for _hop in range(_MAX_REDIRECTS + 1):
            sent = {**self._headers, **headers}
            if token and same_origin(url, first):
                sent["Authorization"] = f"Bearer {token}"
            response = self._send(method, url, sent, body)
            response.hops = hops
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location or not redirects or response.status in expect:
                return response
            with response:
                response.read(_ERROR_BODY_BYTES)
            target = urljoin(url, location)
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise ProtocolError(
                    f"{method} {safe_url(url)} answered {response.status} and leads from https to {safe_url(target)}: "
                    "not followed, since anybody on the way could change the answer. Name an https address."
                )
            if not same_origin(target, first):
                headers = {
                    name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")
                }
            if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                method, body = "GET", None
            hops.append(response.headers)
            url = target
        raise ProtocolError(
            f"{method} {safe_url(url)}: more than {_MAX_REDIRECTS} redirects. Check the address; a login page may stand in the way."
        )

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        parts = _split(method, url)
        proxy = _proxy_for(method, url, parts)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if proxy and parts.scheme == "http":
            target = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path or "/", parts.query, ""))
            headers = {**headers, **_proxy_headers(proxy)}
        if parts.username and "Authorization" not in headers:
            headers = {**headers, "Authorization": _basic(parts)}
        check_request(f"{method} {safe_url(url)}", target, headers)
        wire = self._wire(method, url, parts, proxy)
        try:
            wire.connection.request(method, target, body=body, headers=dict(headers))
            raw = wire.connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            wire.connection.close()
            if wire.used and isinstance(error, (ConnectionError, http.client.BadStatusLine)) and method in IDEMPOTENT:
                # The server had closed a kept-alive connection without saying so. Every idle one may be as dead.
                self.close()
                return self._send(method, url, headers, body)
            raise transport_error(method, url, "send", error, self.read_seconds) from error
        wire.used = True
        return Response(wire, raw, method, url, self._keep)

    def _wire(self, method: str, url: str, parts: SplitResult, proxy: SplitResult | None) -> Wire:
        """An idle connection to that host, or a new one."""
        host, port = _address(method, url, parts)
        key = (parts.scheme, host, port, proxy.netloc if proxy else "")
        with self._lock:
            if self._idle.get(key):
                return self._idle[key].pop()
        connection: http.client.HTTPConnection
        there = (proxy.hostname or "", proxy.port or 8080) if proxy else (host, port)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(*there, timeout=self.connect_seconds, context=self._tls())
            if proxy:
                connection.set_tunnel(host, port, _proxy_headers(proxy))
        else:
            connection = http.client.HTTPConnection(*there, timeout=self.connect_seconds)
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            stage = "connect" if connection.sock is None else "tls"
            connection.close()
            raise transport_error(method, url, stage, error, self.connect_seconds, proxy) from error
        connection.sock.settimeout(self.read_seconds)
        return Wire(key, connection, self.read_seconds)

    def _keep(self, wire: Wire) -> None:
        with self._lock:
            self._idle.setdefault(wire.key, []).append(wire)

    def _tls(self) -> ssl.SSLContext:
        """The system's CAs (OpenSSL itself honours SSL_CERT_FILE and SSL_CERT_DIR), and the user's own beside them."""
        with self._lock:
            if self._context is None:
                context = ssl.create_default_context()
                # Since 3.13 Python wants of an authority what many of companies lack, and curl and OpenSSL do not ask for. Who is trusted is the host's
                # affair, and does not depend on which Python it has.
                context.verify_flags &= ~ssl.VERIFY_X509_STRICT
                if self.ca_path:
                    where = "capath" if os.path.isdir(self.ca_path) else "cafile"
                    try:
                        context.load_verify_locations(**{where: self.ca_path})
                    except (OSError, ssl.SSLError) as error:
                        raise TransportError(
                            f"Cannot read the CA certificates in {self.ca_path} ({error}). Name a PEM file, or a directory of hashed ones.",
                            stage="tls",
                        ) from error
                self._context = context
            return self._context


def check_request(what: str, target: str, headers: Mapping[str, str]) -> None:
    """Refuses, in words of our own, what http.client would refuse by showing it."""
    for position, character in enumerate(target, 1):
        if not "!" <= character <= "~":
            raise InputError(
                f"{what}: the character at position {position} of the path and query is a blank, a control character or outside ASCII. "
                "Write it percent-encoded (%20 for a blank)."
            )
    for name, value in headers.items():
        check_header(f"{what}: the header {name}", value)


def _split(method: str, url: str) -> SplitResult:
    hide(*secrets_of(url))
    try:
        return urlsplit(url)
    except ValueError:
        raise _unreadable(f"{method} {safe_url(url)}") from None


def _unreadable(what: str) -> TransportError:
    return TransportError(
        f"{what}: not an address that can be asked. Write http:// or https://, a host, and a path; in a user and a password, "
        "write / as %2F, @ as %40, # as %23 and ? as %3F.",
        stage="address",
    )


def _address(method: str, url: str, parts: SplitResult) -> tuple[str, int]:
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError):
        port = 0
    if not parts.hostname or not port:
        raise _unreadable(f"{method} {safe_url(url)}")
    return parts.hostname, port


def _proxy_for(method: str, url: str, parts: SplitResult) -> SplitResult | None:
    proxy = urllib.request.getproxies_environment().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    hide(*secrets_of(proxy))
    try:
        split = urlsplit(proxy)
        found = bool(split.hostname) and (split.port is None or split.port > 0)
    except ValueError:
        found = False
    if not found:
        raise _unreadable(f"{method} {safe_url(url)}: {parts.scheme}_proxy") from None
    return split


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    return {"Proxy-Authorization": _basic(proxy)} if proxy.username else {}


def _basic(parts: SplitResult) -> str:
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    proof = base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode("ascii")
    hide(proof)
    return f"Basic {proof}"


def _unexpected(response: Response) -> StatusError:
    with response:
        body = response.read(_ERROR_BODY_BYTES).decode("utf-8", "replace")
    return status_error(response.method, response.url, response.status, response.reason, response.headers, body)
