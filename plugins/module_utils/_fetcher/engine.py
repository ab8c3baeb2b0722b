# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of a model: a process of its own, which waits for its file and ends when that is gone, or a router, which is told whom to load."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from typing import Any, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

# A process looks for its file some times a second; a router kills after 10 s what does not end.
GONE_SECONDS = 30.0
LOOK_SECONDS = 0.05
ANSWER_SECONDS = 5.0


class Engine:
    """One that is always there."""

    def is_up(self) -> bool:
        """Whether it answers with the model. One that has to be told to load it is told."""
        return True

    def unload(self) -> None:
        """Before the model's bytes go, or its place does."""

    def wait_until_gone(self) -> None:
        """Behind the model's bytes: its memory, and its file's space, are free only then."""


class Processes(Engine):
    """One for each instance of the model."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def is_up(self) -> bool:
        return _answers(self._paths[0])

    def wait_until_gone(self) -> None:
        end = time.monotonic() + GONE_SECONDS
        while any(map(_answers, self._paths)) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)


class Router(Engine):
    """llama-server with a list of models: it begins with files that are not there, and looks for them each time when it loads."""

    def __init__(self, addresses: Sequence[str], key: str, section: str) -> None:
        # The others load their instance when they are asked for it.
        self._first, self._addresses = addresses[0], addresses
        self._key, self._section = key, section
        self._told = False

    def is_up(self) -> bool:
        status = self._statuses(self._first).get(self._section, {})
        if status.get("value") == "unloaded":
            # What failed before it was told is no news.
            if self._told and status.get("failed"):
                raise HearthError("Its engine could not load it, and says in its log why.")
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._ask(self._first, "POST", "/models/load", {"model": self._section})
                self._told = True
        return _runs(status) and status.get("value") != "loading"

    def unload(self) -> None:
        for address in self._addresses:
            self._unload(address)

    def _unload(self, address: str) -> None:
        end, is_told = time.monotonic() + GONE_SECONDS, False
        while _runs(self._statuses(address).get(self._section, {})) and time.monotonic() < end:
            # Once: what it is told while it is at it, it would do to the next one that it loads.
            if not is_told:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self._ask(address, "POST", "/models/unload", {"model": self._section})
                    is_told = True
            time.sleep(LOOK_SECONDS)

    def running(self) -> set[str]:
        """What it calls the models that take a place at the moment."""
        return {
            section
            for address in self._addresses
            for section, status in self._statuses(address).items()
            if _runs(status)
        }

    def _statuses(self, address: str) -> dict[str, dict[str, Any]]:
        """None of a router that does not answer, whose models have ended with it."""
        try:
            listing = json.loads(self._ask(address, "GET", "/models"))
            return {entry["id"]: entry["status"] for entry in listing["data"]}
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return {}

    def _ask(self, address: str, method: str, path: str, body: dict[str, str] | None = None) -> bytes:
        with contextlib.closing(http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)) as connection:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            return connection.getresponse().read()


def _answers(path: str) -> bool:
    try:
        with contextlib.closing(UnixConnection(path, timeout=ANSWER_SECONDS)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def _runs(status: dict[str, Any]) -> bool:
    return status.get("value") in ("loaded", "loading", "sleeping")


def engine_of(described: Described, model: Model) -> Engine:
    if model.routers:
        return Router(model.routers, described.engine_key(), model.section)
    return Processes(model.sockets) if model.sockets else Engine()
