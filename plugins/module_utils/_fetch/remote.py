# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bytes of one file come from: ranges of a web address that may lead to a signed one, or of a file on this host."""

from __future__ import annotations

import os
import re
import threading
from typing import Callable

from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    InputError,
    ProtocolError,
    StatusError,
    TransportError,
)
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, Response, safe_url, same_origin

# The answers of a CDN to an address whose signature is no longer good.
EXPIRED = (400, 401, 403, 404, 410)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class Stream:
    """Bytes from `start` on. `partial` says whether the server kept to the range, or sends the whole file."""

    partial = True

    def readinto(self, view: memoryview) -> int:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class Remote:
    """One file at its origin."""

    def open(self, start: int, end: int) -> Stream:
        """A stream of the bytes from `start` to before `end`, or further: the reader knows when it has enough."""
        raise NotImplementedError


class FileRemote(Remote):
    """A file on this host."""

    def __init__(self, path: str) -> None:
        self._path = path

    def open(self, start: int, end: int) -> Stream:
        del end  # a file has no requests to be bounded
        return _FileStream(self._path, start)


class _FileStream(Stream):
    def __init__(self, path: str, start: int) -> None:
        try:
            self._file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb", buffering=0)
        except OSError as error:
            raise InputError(
                f"Cannot read {path} ({error.strerror}). Check the source's path on this host and its mode."
            ) from error
        self._file.seek(start)

    def readinto(self, view: memoryview) -> int:
        return self._file.readinto(view) or 0

    def close(self) -> None:
        self._file.close()


class WebRemote(Remote):
    """A file behind http(s). Asked once, the hub names a signed address at its CDN; that one is used until it expires."""

    def __init__(
        self,
        client: Client,
        url: str,
        name: str,
        size: int,
        *,
        token: str | None = None,
        validator: str = "",
        explain: Callable[[StatusError], HearthError] | None = None,
    ) -> None:
        self._client, self._url, self._name, self._size = client, url, name, size
        self._token, self._validator, self._explain = token, validator, explain
        # Where the origin led, with the token where that is the origin's own host.
        self._direct: tuple[str, str | None] | None = None
        self._resolving = threading.Lock()

    def open(self, start: int, end: int) -> Stream:
        direct = self._direct
        if direct:
            try:
                return self._stream(self._ask(*direct, start, end), start)
            except StatusError as error:
                if error.status not in EXPIRED:
                    raise
        with self._resolving:
            if self._direct == direct:
                return self._resolve(start, end)
        return self.open(start, end)

    def _resolve(self, start: int, end: int) -> Stream:
        """Asks at the origin; remembers where it led."""
        self._direct = None
        try:
            response = self._ask(self._url, self._token, start, end)
        except StatusError as error:
            if error.status in EXPIRED and error.details.get("url") != safe_url(self._url):
                raise TransportError(
                    f"{safe_url(self._url)} leads to {error.details.get('url')}, which answered {error.status}. Check this host's clock "
                    "(the address is signed for a time), and that no proxy or firewall forbids that address.",
                    stage="read",
                ) from error
            raise (self._explain(error) if self._explain else error) from error
        self._direct = (response.url, self._token if same_origin(response.url, self._url) else None)
        return self._stream(response, start)

    def _ask(self, url: str, token: str | None, start: int, end: int) -> Response:
        headers = {"Range": f"bytes={start}-{end - 1}"} if end > start else {}
        if self._validator:
            headers["If-Range"] = self._validator
        return self._client.request("GET", url, headers=headers, token=token, expect=(200, 206), attempts=1)

    def _stream(self, response: Response, start: int) -> Stream:
        try:
            self._check(response)
        except HearthError:
            response.close()
            raise
        return _WebStream(response, start)

    def _check(self, response: Response) -> None:
        html_instead(response, self._url, self._name)
        where = f"{response.method} {safe_url(self._url)}"
        said = content_size(response)
        if said is not None and said != self._size:
            raise ProtocolError(
                f"{where} answered with {said} bytes for the file {self._name}, which should have {self._size} bytes. "
                "It was changed meanwhile, or a proxy changes it: run again, or correct the sha256 or the lock file."
            )
        now = [value for value in (response.headers.get("ETag"), response.headers.get("Last-Modified")) if value]
        if self._validator and now and self._validator not in now:
            raise ProtocolError(f"{where}: the file {self._name} was changed while it was fetched. Run again.")


class _WebStream(Stream):
    def __init__(self, response: Response, start: int) -> None:
        self._response = response
        self.partial = response.status == 206
        self._skip = 0 if self.partial else start

    def readinto(self, view: memoryview) -> int:
        while self._skip:
            # The server sent the whole file: what is there already has to pass by.
            count = self._response.readinto(view[: min(len(view), self._skip)])
            if not count:
                return 0
            self._skip -= count
        return self._response.readinto(view)

    def close(self) -> None:
        self._response.close()


def content_size(response: Response) -> int | None:
    """The whole file's size as this answer tells it, a partial one or not."""
    if response.status == 206:
        size = (response.headers.get("Content-Range") or "").rpartition("/")[2]
    else:
        size = response.headers.get("Content-Length") or ""
    return int(size) if size.isdigit() else None


def html_instead(response: Response, url: str, name: str) -> None:
    """A login, a licence, a proxy: they answer 200 and mean no."""
    if response.content_type != "text/html" or name.lower().endswith((".html", ".htm")):
        return
    found = _TITLE.search(response.read(4096).decode("utf-8", "replace"))
    title = f' ("{" ".join(found.group(1).split())[:100]}")' if found else ""
    raise ProtocolError(
        f"{response.method} {safe_url(url)} answered with an HTML page{title} instead of the file {name}. Open the address in a browser: "
        "a login, a licence or a proxy's page stands in the way, or the address names a page about the file."
    )


def source_status(path: str) -> os.stat_result:
    """os.stat of a source on this host, or a clear error."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(
            f"file://{path}: {error.strerror}. Check the source's path; it is a path on the managed host."
        ) from error
    if not os.path.isfile(path):
        raise InputError(f"file://{path} is not a file. Name one file.")
    return status
