# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines count of themselves, in Prometheus' text format, before and after a run. PRIVATE to the collection."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide, shown
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

if TYPE_CHECKING:
    from typing import Iterator

# A value stands behind the name and its labels; a label's value may hold braces and blanks, and escapes its own quotes.
_LINE = re.compile(
    r'([A-Za-z_:][A-Za-z0-9_:]*)(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?\s+([+-]?(?:Inf|NaN|[0-9.eE+-]+))(?:\s+-?\d+)?\s*$'
)
_SECONDS = 5.0
_MOST = 8 * 1024 * 1024


def read(text: str) -> dict[str, float]:
    """Series by name and labels. Buckets are left out: the rows know each request, and these are many."""
    return dict(_series(text))


def of_all(engines: Sequence[Mapping[str, Any]], client: Client) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """By the name of each what it counts, and of those that do not say it the reason."""
    told: dict[str, dict[str, float]] = {}
    silent: dict[str, str] = {}
    for engine in engines:
        name = str(engine["name"])
        try:
            told[name] = read(_asked(engine, client))
        except (HearthError, OSError, http.client.HTTPException) as error:
            silent[name] = shown(str(error))
    return told, silent


def _series(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        found = _LINE.match(line)
        if not found or found[1].endswith("_bucket"):
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        # JSON knows no infinity.
        if value - value == 0:
            yield found[1] + (found[2] or ""), value


def _asked(engine: Mapping[str, Any], client: Client) -> str:
    key = engine.get("key")
    if engine.get("socket"):
        return _by_socket(str(engine["socket"]), key)
    with client.request("GET", str(engine["url"]), token=key or None) as response:
        return response.read(_MOST).decode("utf-8", "replace")


def _by_socket(path: str, key: str | None) -> str:
    headers = {}
    if key:
        hide(key)
        check_token("engines.key", key)
        headers["Authorization"] = f"Bearer {key}"
    connection = UnixConnection(path, _SECONDS)
    try:
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise HearthError(f"GET /metrics at {path} answered {response.status} {response.reason}.")
        return response.read(_MOST).decode("utf-8", "replace")
    finally:
        connection.close()


def client_for(ca_file: str | None) -> Client:
    """Nobody waits long: what is measured has not begun, or is over."""
    return Client(ca_path=ca_file, connect_seconds=_SECONDS, read_seconds=_SECONDS, attempts=2)
