# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to supervisord through its Unix socket, by the XML-RPC that its documentation describes
(http://supervisord.org/api.html). PRIVATE to the collection.
"""

from __future__ import annotations

import http.client
import os
import time
import xmlrpc.client
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._durable import replace
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Callable, Iterable, Sequence

# http://supervisord.org/subprocess.html#process-states
ALIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
ALREADY_STARTED = 60
NOT_RUNNING = 70
TIMEOUT = 60.0


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, _host: Any) -> http.client.HTTPConnection:
        return UnixConnection(self._path, TIMEOUT)


class Supervisor:
    """One supervisord, known by its socket."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(socket_path))

    def _call(self, method: str, *arguments: Any) -> Any:
        function: Callable[..., Any] = getattr(self._proxy.supervisor, method)
        try:
            return function(*arguments)
        except OSError as error:
            raise HearthError(
                f"supervisord does not answer at {self._socket_path}: {error.strerror or error}."
            ) from error

    def answers(self) -> bool:
        try:
            return bool(self._call("getState"))
        except HearthError:
            return False

    def states(self) -> dict[str, str]:
        """The state of each program that it knows, as supervisor names it."""
        return {str(one["name"]): str(one["statename"]) for one in self._call("getAllProcessInfo")}

    def starts(self) -> dict[str, float]:
        """When each program that runs was started, seconds since 1970."""
        return {
            str(one["name"]): float(one["start"])
            for one in self._call("getAllProcessInfo")
            if one["statename"] == "RUNNING"
        }

    def take_over(self, names: Iterable[str]) -> set[str]:
        """Reads the configuration again and restarts, starts or stops these programs by it. Those with which there was something to do."""
        try:
            added, changed, removed = (set(found) for found in self._call("reloadConfig")[0])
        except xmlrpc.client.Fault as fault:
            raise HearthError(f"supervisord cannot read its configuration: {fault.faultString}.") from fault
        wanted = set(names)
        gone = sorted((changed | removed) & wanted)
        self._stop(gone, "stopProcessGroup")
        for name in gone:
            self._call("removeProcessGroup", name)
        for name in sorted((changed | added) & wanted):
            self._call("addProcessGroup", name)
        return (added | changed | removed) & wanted

    def start(self, name: str) -> None:
        """Does not wait: whether it comes up is for a health check to find out, which can also say why."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != ALREADY_STARTED:
                raise HearthError(f"supervisord cannot start {name}: {fault.faultString}.") from fault

    def stop(self, names: Iterable[str]) -> None:
        """All of them at the same time, and waits until the last one has ended."""
        self._stop(sorted(names), "stopProcess")

    def signal(self, name: str, signal: str) -> None:
        try:
            self._call("signalProcess", name, signal)
        except xmlrpc.client.Fault as fault:
            raise HearthError(f"supervisord cannot send {signal} to {name}: {fault.faultString}.") from fault

    def _stop(self, names: Sequence[str], method: str) -> None:
        for name in names:
            try:
                self._call(method, name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != NOT_RUNNING:
                    raise HearthError(f"supervisord cannot stop {name}: {fault.faultString}.") from fault
        deadline = time.monotonic() + TIMEOUT
        while names:
            states = self.states()
            running = [name for name in names if states.get(name) in ALIVE]
            if not running:
                return
            if time.monotonic() > deadline:
                raise HearthError(f"supervisord has not stopped {', '.join(running)} in {TIMEOUT:.0f} s.")
            time.sleep(0.05)

    def shut_down(self) -> None:
        self._call("shutdown")


def quoted(words: Iterable[str]) -> str:
    """A command line as supervisor reads it: shell words, and `%` doubled, which it would expand."""
    return " ".join(_quoted(word) for word in words).replace("%", "%%")


def _quoted(word: str) -> str:
    if word and not set(word) - _PLAIN:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write(path: Path, content: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(content)
    replace(str(fresh), str(path))
