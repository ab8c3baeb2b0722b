# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A door: where clients come in by TLS. What it admits is found by asking it in every way that has once led past a door."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._completion.errors import ProbeError
from ansible_collections.hearth.llm.plugins.module_utils._completion.way import Way
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._exposure.finding import Finding
from ansible_collections.hearth.llm.plugins.module_utils._exposure.paths import parse_path, spellings
from ansible_collections.hearth.llm.plugins.module_utils._http import USER_AGENT

if TYPE_CHECKING:
    from typing import Sequence

# What a door may say to what is closed. Another status, an error of the engine's for one, means that the question went through.
CLOSED = frozenset((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 413, 414, 415, 421, 422, 429, 431, 501, 505))
_DAY_SECONDS = 86400
# Of how many closed paths every spelling is tried: what stops one of them stops the others.
_SPELLED_PATHS = 4
_WORKERS = 8
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
        way = Way(self.url, f"{host}:{self.port}", None, self.ca_path)
        if way.parts.scheme != "https":
            raise InputError(f"{self.url} does not begin with https://: a door without TLS cannot be proven closed.")
        return OpenDoor(self, way, address, seconds)


@dataclass(frozen=True)
class OpenDoor:
    """A door at one of the addresses."""

    door: Door
    way: Way
    address: str
    seconds: float

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
        tricks = [
            (method, trick) for method, path in asked[:_SPELLED_PATHS] for trick in spellings(path, self.door.base)
        ]
        with ThreadPoolExecutor(_WORKERS) as pool:
            answers = list(pool.map(lambda target: self._status(*target), asked + tricks))
        return [
            Finding(
                "path",
                f"{method} {path} at {self.way.words}",
                f"it answered {status} instead of refusing",
                "Refuse the path at the door: only what clients need may pass to what is behind it",
            )
            for (method, path), status in zip(asked + tricks, answers)
            if status not in CLOSED
        ]

    def missing_locks(self) -> list[Finding]:
        """Where it infers for somebody who has no key."""
        if not self.door.model:
            return []
        body = {"model": self.door.model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
        findings = []
        for who, key in (("without a key", ""), ("with a wrong key", _WRONG_KEY)):
            visitor = replace(self, door=replace(self.door, api_key=key))
            for method, path, content in (("POST", "/chat/completions", body), ("GET", "/models", None)):
                status = visitor._status(method, f"{self.door.base}{path}", content)
                if status != 401:
                    findings.append(
                        Finding(
                            "key",
                            f"{method} {self.door.base}{path} at {self.way.words}",
                            f"{who} it answered {status} instead of 401",
                            "Put the gateway with its API keys in front of the engine, and let nothing else reach the engine",
                        )
                    )
        return findings

    def _status(self, method: str, path: str, content: Any = None) -> int:
        """What it says; 400 where it hangs up rather than say anything."""
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Connection": "close"}
        if self.door.api_key:
            headers["Authorization"] = f"Bearer {self.door.api_key}"
        body = None
        if method in ("POST", "PUT", "PATCH"):
            headers["Content-Type"] = "application/json"
            body = json.dumps({} if content is None else content).encode("utf-8")
        connection = self.way.open(self.seconds)
        try:
            connection.request(method, path, body=body, headers=headers)
            return connection.getresponse().status
        except (ConnectionError, http.client.BadStatusLine):
            return 400
        except OSError as error:
            raise ProbeError(
                "answer",
                f"{method} {path} at {self.way.words} was not answered within {self.seconds:.0f} s. Look at the door's log.",
                heals=True,
            ) from error
        finally:
            connection.close()
