# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A door: where clients come in by TLS. What it admits is found by asking it in every way that has once led past a door."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._exposure.finding import Finding
from ansible_collections.hearth.llm.plugins.module_utils._exposure.paths import parse_path, spellings
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide
from ansible_collections.hearth.llm.plugins.module_utils._http import USER_AGENT, check_request
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError, Way

if TYPE_CHECKING:
    from typing import Sequence

# What a door may say to what is closed. Another status, an error of the engine's for one, means that the question went through.
CLOSED = frozenset((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 413, 414, 415, 421, 422, 429, 431, 501, 505))
_DAY_SECONDS = 86400
# Of how many closed paths every spelling is tried: what stops one of them stops the others.
_SPELLED_PATHS = 4
_MOST_BYTES = 1 << 16
_PATH_REMEDY = "Refuse the path at the door: only what clients need may pass to what is behind it"
_KEY_REMEDY = "Put the gateway with its API keys in front of the engine, and let nothing else reach the engine"
_WRONG_KEY = "sk-hearth-this-key-is-nobodys"


@dataclass(frozen=True)
class Door:
    """One name behind which something is served, and what must be closed there."""

    url: str
    # Each is a path, or a method and a path.
    closed_paths: Sequence[str]
    ca_path: str | None = None
    api_key: str | None = None
    # Asked without a key, and with a wrong one; empty where the door leads to no API.
    model: str = ""

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme != "https" or not self.name:
            raise InputError(
                f"{self.url} does not begin with https:// and a name: a door without TLS cannot be proven closed."
            )
        for text in self.closed_paths:
            parse_path(text)

    @property
    def name(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443

    @property
    def base(self) -> str:
        """The path below which the API is."""
        return urlsplit(self.url).path.rstrip("/")

    def way(self, address: str, seconds: float) -> OpenDoor:
        host = f"[{address}]" if ":" in address else address
        return OpenDoor(self, Way(self.url, f"{host}:{self.port}", None, self.ca_path), address, seconds)


@dataclass
class OpenDoor:
    """A door at one of the addresses. Its questions go through one connection, for as long as that is kept alive."""

    door: Door
    way: Way
    address: str
    seconds: float
    _kept: http.client.HTTPConnection | None = None

    def certificate_days(self) -> float:
        """How long its certificate is still valid, after it was verified. ProbeError where it does not hold."""
        connection = self.way.open(self.seconds)
        try:
            wire = connection.sock
            ends = str((wire.getpeercert() or {})["notAfter"]) if isinstance(wire, ssl.SSLSocket) else ""
        finally:
            connection.close()
        return round((ssl.cert_time_to_seconds(ends) - time.time()) / _DAY_SECONDS, 1)

    def open_paths(self) -> list[Finding]:
        """Those of the closed paths that are not."""
        asked = [parse_path(text) for text in self.door.closed_paths]
        asked += [
            (method, trick) for method, path in asked[:_SPELLED_PATHS] for trick in spellings(path, self.door.base)
        ]
        findings = []
        for method, path in asked:
            status = self._status(method, path, self.door.api_key)
            if status not in CLOSED:
                where = f"{method} {path} at {self.way.words}"
                findings.append(Finding("path", where, f"it answered {status} instead of refusing", _PATH_REMEDY))
        return findings

    def missing_locks(self) -> list[Finding]:
        """Where it infers for somebody who has no key."""
        if not self.door.model:
            return []
        body = {"model": self.door.model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
        findings = []
        for who, key in (("without a key", None), ("with a wrong key", _WRONG_KEY)):
            for method, path, content in (("POST", "/chat/completions", body), ("GET", "/models", None)):
                status = self._status(method, f"{self.door.base}{path}", key, content)
                if status != 401:
                    where = f"{method} {self.door.base}{path} at {self.way.words}"
                    findings.append(Finding("key", where, f"{who} it answered {status} instead of 401", _KEY_REMEDY))
        return findings

    def close(self) -> None:
        if self._kept:
            self._kept.close()
            self._kept = None

    def _status(self, method: str, path: str, key: str | None, content: Any = None) -> int:
        """What it says; 400 where it hangs up rather than say anything."""
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        if key:
            hide(key)
            check_token("api_key", key)
            headers["Authorization"] = f"Bearer {key}"
        body = None
        if method in ("POST", "PUT", "PATCH"):
            headers["Content-Type"] = "application/json"
            body = json.dumps({} if content is None else content).encode("utf-8")
        check_request(f"{method} {self.way.words}", path, headers)
        fresh = self._kept is None
        connection = self._kept = self._kept or self.way.open(self.seconds)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            response.read(_MOST_BYTES)
            if response.will_close or not response.isclosed():
                self.close()
            return response.status
        except (ConnectionError, http.client.HTTPException, ssl.SSLError):
            self.close()
            # A connection that was kept may have ended before the question came.
            return 400 if fresh else self._status(method, path, key, content)
        except OSError as error:
            self.close()
            raise ProbeError(
                "answer",
                f"{method} {path} at {self.way.words} was not answered within {self.seconds:.0f} s. Look at the door's log.",
                heals=True,
            ) from error
