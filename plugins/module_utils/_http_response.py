# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer whose body is still to be read, and the connection that it comes over."""

from __future__ import annotations

import http.client
import json
from typing import Any, Callable, Iterator

from ansible_collections.hearth.llm.plugins.module_utils._errors import ProtocolError, TransportError
from ansible_collections.hearth.llm.plugins.module_utils._http_errors import transport_error
from ansible_collections.hearth.llm.plugins.module_utils._url import safe_url


class Wire:
    """One connection, and what it is good for."""

    def __init__(
        self, key: tuple[str, str, int, str], connection: http.client.HTTPConnection, read_seconds: float
    ) -> None:
        self.key, self.connection, self.read_seconds = key, connection, read_seconds
        self.used = False


class Response:
    """An answer whose body is still to be read. Close it, or use it in `with`: what was read to its end keeps the connection."""

    def __init__(
        self, wire: Wire, raw: http.client.HTTPResponse, method: str, url: str, keep: Callable[[Wire], None]
    ) -> None:
        self._wire, self._raw, self._keep = wire, raw, keep
        self.method, self.url = method, url
        self.status, self.reason = raw.status, raw.reason
        self.headers = raw.headers
        # The headers of each redirect that led here: the hub tells a file's hash on the 302, not on the CDN's 200.
        self.hops: list[http.client.HTTPMessage] = []
        self._closed = False

    @property
    def content_type(self) -> str:
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fills the buffer as far as the body reaches; 0 at its end, TransportError where that comes before the announced one."""
        try:
            count = self._raw.readinto(buffer)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from error
        if not count and len(buffer) and self._raw.length:
            raise self._broken(http.client.IncompleteRead(b"", self._raw.length))
        return count

    def read(self, limit: int | None = None) -> bytes:
        """The body, or at most its first `limit` bytes."""
        try:
            body = self._raw.read() if limit is None else self._raw.read(limit)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from error
        if self._raw.length and (limit is None or len(body) < limit):
            raise self._broken(http.client.IncompleteRead(b"", self._raw.length))
        return body

    def lines(self) -> Iterator[bytes]:
        """The body line by line, as it arrives (server-sent events)."""
        try:
            while True:
                line = self._raw.readline()
                if not line:
                    return
                yield line
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from error

    def json(self, limit: int = 64 << 20) -> Any:
        body = self.read(limit)
        try:
            return json.loads(body.decode("utf-8"))
        except ValueError as error:
            kind = self.content_type or "no content type"
            raise ProtocolError(
                f"{self.method} {safe_url(self.url)} answered {self.status} with {kind}, not with JSON. "
                "Check that the address is that of the API and that no proxy or login page answers in its place."
            ) from error

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._raw.isclosed() and not self._raw.will_close:
            self._keep(self._wire)
        else:
            self._raw.close()
            self._wire.connection.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _broken(self, error: Exception) -> TransportError:
        self._closed = True
        self._raw.close()
        self._wire.connection.close()
        return transport_error(self.method, self.url, "read", error, self._wire.read_seconds)
