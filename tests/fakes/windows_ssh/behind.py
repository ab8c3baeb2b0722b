# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a distribution of the stand-in really is: a container, such as a host of the lab, or a directory of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Behind(Protocol):
    """Where commands for Linux go."""

    def start(self) -> None:
        """Bring it up; what is up already stays."""

    def stop(self) -> None:
        """Take it down, as Windows does: without asking."""

    def shell(self, user: str) -> str | None:
        """The shell of a user; nothing where there is no such user."""

    def popen(
        self, user: str, command: Sequence[str], directory: str, variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a command."""


def _pipes(
    command: Sequence[str], directory: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=directory, env=variables)


@dataclass
class Here:
    """A directory of this machine is the home of its only user, who is whoever runs the tests, by any name."""

    home: Path
    users: Sequence[str] = ("root", "owner")
    default_shell: str = "/bin/bash"

    def start(self) -> None:
        (self.home / "windows").mkdir(parents=True, exist_ok=True)

    def stop(self) -> None:
        pass

    def shell(self, user: str) -> str | None:
        return self.default_shell if user in self.users else None

    def popen(
        self, user: str, command: Sequence[str], directory: str, variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        where = self.home / "windows" if directory.startswith("/mnt/") else Path(directory.replace("~", str(self.home)))
        given = {"HOME": str(self.home), "USER": user, "PATH": os.environ["PATH"], **variables}
        return _pipes(command, where, given)


@dataclass
class Container:
    """A container in which systemd runs, as in a distribution whose /etc/wsl.conf wants it."""

    name: str
    # Starts it and waits until it is up.
    begin: Callable[[], object]
    directory: str = "/mnt/c/Users/owner"
    # Home and shell of those who were asked for: a question takes as long as many a command.
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def start(self) -> None:
        self.begin()
        self._run("mkdir", "--parents", self.directory)

    def stop(self) -> None:
        subprocess.run(["docker", "kill", self.name], check=True, capture_output=True)
        self._known.clear()

    def shell(self, user: str) -> str | None:
        if user not in self._known:
            row = self._run("sh", "-c", 'getent passwd -- "$1" || true', "-", user).strip().split(":")
            if len(row) == 7:
                self._known[user] = row[5], row[6]
        return self._known[user][1] if user in self._known else None

    def popen(
        self, user: str, command: Sequence[str], directory: str, variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        home = self._known[user][0]
        given = {"HOME": home, "USER": user, "LOGNAME": user, **variables}
        options = [f"--env={name}={value}" for name, value in given.items()]
        where = directory.replace("~", home, 1) if directory.startswith("~") else directory
        return _pipes(
            ["docker", "exec", "--interactive", f"--user={user}", f"--workdir={where}", *options, self.name, *command]
        )

    def _run(self, *command: str) -> str:
        return subprocess.run(
            ["docker", "exec", self.name, *command], check=True, capture_output=True, text=True
        ).stdout
