# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a file, whether it lies here or behind an address."""

from __future__ import annotations

import os
import re
import stat
from typing import Protocol
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, Response, safe_url


class ByteSource(Protocol):
    """A file of which pieces can be read, forwards. `size` may only be known after the first piece."""

    name: str
    size: int | None

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes; fewer where the file ends before."""


class LocalFile:
    """A file on this machine, which may be given from the home of its user on."""

    def __init__(self, path: str) -> None:
        self.name = path = os.path.expanduser(path)
        try:
            # Not to wait for a writer, where the path is that of a pipe.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise self._unreadable(error.strerror) from error
        state = os.fstat(self._descriptor)
        self.size: int | None = state.st_size
        if not stat.S_ISREG(state.st_mode):
            self.close()
            raise self._unreadable("not a file")

    def read(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise self._unreadable(error.strerror) from error

    def close(self) -> None:
        os.close(self._descriptor)

    def _unreadable(self, why: str | None) -> HearthError:
        return HearthError(f"{self.name} cannot be read ({why}). Check the path and its permissions.")


class RemoteFile:
    """A file behind an address, read by ranges; from a server that gives no ranges, in one go that is left when enough was read."""

    def __init__(self, client: Client, url: str, *, token: str | None = None) -> None:
        self.name = safe_url(url)
        self.size: int | None = None
        self._client, self._url, self._token = client, url, token
        self._whole: Response | None = None
        self._whole_at = 0

    def read(self, offset: int, length: int) -> bytes:
        if self.size is not None:
            length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if self._whole:
            return self._read_on(self._whole, offset, length)
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        response = self._client.request("GET", self._url, headers=headers, token=self._token, expect=(200, 206, 416))
        if response.status == 200:
            self._whole = response
            announced = response.headers.get("Content-Length", "")
            self.size = int(announced) if announced.isdigit() else None
            return self._read_on(response, offset, length)
        with response:
            self._remember(response)
            # 416: the file ends before the first byte that was asked for.
            return response.read(length) if response.status == 206 else b""

    def close(self) -> None:
        if self._whole:
            self._whole.close()

    def _remember(self, response: Response) -> None:
        total = re.fullmatch(r"bytes (?:\d+-\d+|\*)/(\d+)", response.headers.get("Content-Range", "").strip())
        if not total:
            raise ProtocolError(
                f"{self.name} answered {response.status} without saying how long the file is (Content-Range). "
                "Ask without the proxy or cache that stands between."
            )
        self.size = int(total.group(1))
        if response.hops:
            # Where the redirects led. The token is for the first host alone.
            self._token = self._token if _host(response.url) == _host(self._url) else None
            self._url = response.url

    def _read_on(self, response: Response, offset: int, length: int) -> bytes:
        while self._whole_at < offset:
            passed = len(response.read(min(offset - self._whole_at, 1 << 20)))
            if not passed:
                return b""
            self._whole_at += passed
        data = response.read(length)
        self._whole_at += len(data)
        return data


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
