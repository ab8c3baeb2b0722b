# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to supervisord through its Unix socket, by the XML-RPC that its documentation describes
(http://supervisord.org/api.html). PRIVATE to the collection.
"""

from __future__ import annotations

import http.client
import os
import xmlrpc.client
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Callable, Iterable

# http://supervisord.org/subprocess.html#process-states
ALIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
NO_SUCH_PROGRAM = 10
ALREADY_STARTED = 60
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

    def state(self, name: str) -> str:
        """The program's state as supervisor names it, or an empty text where it knows no such program."""
        try:
            return str(self._call("getProcessInfo", name)["statename"])
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == NO_SUCH_PROGRAM:
                return ""
            raise

    def take_over(self, name: str) -> bool:
        """Reads the configuration again and restarts, starts or stops the one program by it. Whether there was a change."""
        try:
            added, changed, removed = self._call("reloadConfig")[0]
        except xmlrpc.client.Fault as fault:
            raise HearthError(f"supervisord cannot read its configuration: {fault.faultString}.") from fault
        if name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        if name in (*changed, *added):
            self._call("addProcessGroup", name)
        return name in (*added, *changed, *removed)

    def start(self, name: str) -> None:
        """Does not wait: whether it comes up is for a health check to find out, which can also say why."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != ALREADY_STARTED:
                raise HearthError(f"supervisord cannot start {name}: {fault.faultString}.") from fault

    def restart(self, name: str) -> None:
        self._call("stopProcess", name)
        self.start(name)

    def signal(self, name: str, signal: str) -> None:
        self._call("signalProcess", name, signal)

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
    os.replace(fresh, path)
