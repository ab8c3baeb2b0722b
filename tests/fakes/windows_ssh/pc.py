# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PC with WSL 2 on it: its distributions, which of them run, and what wsl.exe answers."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from fakes.windows_ssh import shells, wsl_exe
from fakes.windows_ssh.behind import Behind
from fakes.windows_ssh.errors import UnknownError

# -1, as Windows counts it.
FAILED = 0xFFFFFFFF
NOT_FOUND = "There is no distribution with the supplied name.\nError code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND\n"
NO_USER = "User not found.\nError code: Wsl/Service/WSL_E_USER_NOT_FOUND\n"
NOT_RECOGNIZED = "'{}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"


@dataclass
class Distribution:
    """One that is registered for the user who comes in."""

    name: str
    behind: Behind
    default_user: str = "root"
    running: bool = False
    # How often it was started, which is what a test asks.
    starts: int = 0
    last_used: float = 0.0
    users_now: int = 0


@dataclass(frozen=True)
class Said:
    """What a program of Windows says, and how it ends."""

    status: int
    out: bytes = b""
    error: bytes = b""


@dataclass(frozen=True)
class Running:
    """A command for Linux that has begun."""

    process: subprocess.Popen[bytes]
    distribution: Distribution
    # What wsl.exe itself has said on standard error.
    warning: bytes = b""


Answer = Said | Running


@dataclass
class WindowsPc:
    """Whoever comes in is its user `user`."""

    distributions: list[Distribution] = field(default_factory=list)
    user: str = "owner"
    password: str = ""
    # The default shell of its OpenSSH.
    shell: str = shells.CMD
    # Variables of the user in Windows, such as WSL_UTF8.
    variables: dict[str, str] = field(default_factory=dict)
    has_wsl: bool = True
    # What it warns of when it starts a distribution, in the language of Windows.
    warning: str = ""
    # After so long without a command a distribution is ended; nothing, where .wslconfig and a task keep it.
    idle_seconds: float | None = None
    # Every command that came in.
    commands: list[str] = field(default_factory=list)
    # What it was asked and does not know. A test that leaves something here has not passed.
    unknown: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def execute(self, command: str) -> Answer:
        """What sshd does with the command of an `exec` request."""
        self.commands.append(command)
        try:
            return self._execute(command)
        except shells.RefusedError as words:
            return Said(1, error=f"{words}\r\n".encode())
        except UnknownError as reason:
            self.unknown.append(str(reason))
            return Said(FAILED, error=f"tests/fakes/windows_ssh does not know what Windows does: {reason}\n".encode())

    def find(self, name: str) -> Distribution | None:
        """As wsl.exe looks for it: capital letters make no difference."""
        found = (one for one in self.distributions if not name or one.name.lower() == name.lower())
        return next(found, None)

    def let_go(self, distribution: Distribution) -> None:
        """A command in it has ended."""
        with self._lock:
            distribution.users_now -= 1
            distribution.last_used = time.monotonic()

    def _execute(self, command: str) -> Answer:
        started = shells.start(self.shell, command, self.variables)
        if started.program.lower() not in ("wsl", "wsl.exe"):
            raise UnknownError(f"{started.program} is no program here, and PowerShell is not run: {command!r}")
        if not self.has_wsl:
            return Said(1, error=NOT_RECOGNIZED.format(started.program).encode())
        try:
            asked = wsl_exe.read(started.arguments)
        except wsl_exe.InvalidError as words:
            return self._said(FAILED, f"{words}\n", started.variables)
        if asked.question:
            return self._answer(asked, started.variables)
        distribution = self.find(asked.distribution)
        if distribution is None:
            return self._said(FAILED, NOT_FOUND, started.variables)
        return self._run(distribution, asked, started.variables)

    def _run(self, distribution: Distribution, asked: wsl_exe.Asked, variables: Mapping[str, str]) -> Answer:
        started = self._use(distribution)
        user = asked.user or distribution.default_user
        shell = distribution.behind.shell(user)
        if shell is None:
            self.let_go(distribution)
            failed = self._said(FAILED, NO_USER, variables)
            return Said(failed.status, failed.out, f"getpwnam({user}) failed 0\n".encode())
        command = [shell, "-c", asked.rest] if asked.shell else wsl_exe.words(asked.rest)
        given = {"WSL_DISTRO_NAME": distribution.name, "SHELL": shell, "WSL_INTEROP": "/run/WSL/1_interop"}
        directory = asked.directory or f"/mnt/c/Users/{self.user}"
        silent = not started or variables.get("WSL_DISABLE_WARNINGS") == "1"
        warning = "" if silent or not self.warning else f"wsl: {self.warning}\n"
        process = distribution.behind.popen(user, command, directory, given)
        return Running(process, distribution, self._said(0, warning, variables).out)

    def _use(self, distribution: Distribution) -> bool:
        """The first command starts it, and so does the first after Windows has ended it; whether this one has."""
        with self._lock:
            idle = time.monotonic() - distribution.last_used
            if (
                self.idle_seconds is not None
                and distribution.running
                and not distribution.users_now
                and idle > self.idle_seconds
            ):
                self._end(distribution)
            starts = not distribution.running
            if starts:
                distribution.behind.start()
                distribution.running = True
                distribution.starts += 1
            distribution.users_now += 1
            return starts

    def _end(self, distribution: Distribution) -> None:
        if distribution.running:
            distribution.behind.stop()
            distribution.running = False

    def _answer(self, asked: wsl_exe.Asked, variables: Mapping[str, str]) -> Said:
        if asked.question == "--shutdown":
            if asked.rest not in ("", "--force"):
                raise UnknownError(f"wsl.exe --shutdown {asked.rest}")
            for distribution in self.distributions:
                self._end(distribution)
            return Said(0)
        if asked.question == "--terminate":
            found = self.find(asked.rest) if asked.rest else None
            if found is None:
                return self._said(FAILED, NOT_FOUND, variables)
            self._end(found)
            return self._said(0, "The operation completed successfully. \n", variables)
        if asked.question == "--status":
            lines = [f"Default Distribution: {self.distributions[0].name}"] if self.distributions else []
            return self._said(0, "\n".join([*lines, "Default Version: 2", ""]), variables)
        if asked.question == "--list" and asked.rest in ("--verbose", "-v") and self.distributions:
            return self._said(0, self._table(), variables)
        if asked.question == "--list" and asked.rest in ("--quiet", "-q"):
            return self._said(0, "".join(f"{one.name}\n" for one in self.distributions), variables)
        raise UnknownError(f"wsl.exe {asked.question} {asked.rest}")

    def _table(self) -> str:
        width = max(len("NAME"), *(len(one.name) for one in self.distributions)) + 4
        rows = [("NAME", "STATE", "VERSION")]
        rows += [(one.name, "Running" if one.running else "Stopped", "2") for one in self.distributions]
        marks = [" ", "*"] + [" "] * len(self.distributions)
        return "".join(
            f"{mark} {name:<{width}}{state:<16}{version}\n"
            for mark, (name, state, version) in zip(marks, rows, strict=False)
        )

    def _said(self, status: int, text: str, variables: Mapping[str, str]) -> Said:
        r"""wsl.exe writes UTF-16LE without a mark, unless WSL_UTF8 is exactly 1; a line ends with \r\n either way."""
        encoding = "utf-8" if variables.get("WSL_UTF8") == "1" else "utf-16-le"
        return Said(status, text.replace("\n", "\r\n").encode(encoding))
