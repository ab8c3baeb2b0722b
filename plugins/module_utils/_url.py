# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: what may be shown of them, and which of them belong together."""

from __future__ import annotations

import ipaddress
import re
from typing import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

# Who asks, before the host.
_PERSON = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@")
# A password with / or # in it, which to the parser is no part of the host.
_BROKEN_PERSON = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*[/?#].*)@", re.DOTALL)
# What the names of signatures and keys have in common, among clouds and content networks.
_SIGNATURE = re.compile(r"sig|token|key|secret|passw|credential|policy|auth", re.IGNORECASE)
_SHORTEST_TOKEN = 8
_SHORTEST_PASSWORD = 4


def safe_url(url: str) -> str:
    """The address as it may stand in a message: without user, password, query (signatures!) and fragment."""
    person = _person(url)
    if person:
        url = person.group(1) + url[person.end() :]
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "an address that cannot be read"


def secrets_of(url: str) -> Iterator[str]:
    """What proves who asks, before the host or in the query, as it is written and as it is meant."""
    person = _person(url)
    if person:
        user, colon, password = person.group(2).partition(":")
        secret = password if colon else user if len(user) >= _SHORTEST_TOKEN else ""
        if len(secret) >= _SHORTEST_PASSWORD:
            # The parser takes line ends and tabs out.
            parsed = re.sub(r"[\t\r\n]", "", secret)
            yield from {secret, unquote(secret), parsed, unquote(parsed)}
    for name, value in parse_qsl(url.partition("?")[2]):
        # A short text is a number or a flag, and would be left out of every size and hash of the answer.
        if _SIGNATURE.search(name) and len(value) >= _SHORTEST_TOKEN:
            yield value


def _person(url: str) -> re.Match[str] | None:
    """The beginning of an address that names who asks."""
    found = _PERSON.match(url)
    if found:
        return found
    found = _BROKEN_PERSON.match(url)
    # https://host:8080/models@1 and https://host/models@1 name nobody.
    port = re.match(r"[^/?#]*:([^/?#:\]]*)[/?#]", found.group(2)) if found else None
    return found if port and not port.group(1).isdigit() else None


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
