# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file behind an address that is no hub: its size and what tells whether it has changed."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._errors import ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.remote import (
    Remote,
    WebRemote,
    content_size,
    html_instead,
)
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import File, Source, checked
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, safe_url


def look_up(client: Client, source: Source, url: str) -> File:
    """Asks for the first byte: HEAD is refused by signed addresses, and some servers answer it wrongly."""
    path = checked(source.place(url))
    with client.request("GET", url, headers={"Range": "bytes=0-0"}, expect=(200, 206)) as response:
        html_instead(response, url, path)
        size = content_size(response)
        etag = response.headers.get("ETag") or ""
        # A weak ETag promises nothing about bytes.
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified") or ""
    if size is None:
        raise ProtocolError(
            f"{safe_url(url)} does not say how long the file {path} is, so it can be neither checked nor resumed. "
            "Serve it as a plain file (with Content-Length)."
        )
    return File(path, url, size, validator=validator)


def remote(client: Client, file: File) -> Remote:
    return WebRemote(client, file.origin, file.path, file.bytes, validator=file.validator)
