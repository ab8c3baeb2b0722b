# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: what may be shown of them, and which of them belong together."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit


def safe_url(url: str) -> str:
    """The address as it may stand in a message: without user, password, query (signatures!) and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def same_origin(one: str, other: str) -> bool:
    """Whether both addresses belong to the same host, port and scheme: what one is told the other may know."""
    return origin(one) == origin(other)


def is_loopback(url: str) -> bool:
    """Whether the address never leaves this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
