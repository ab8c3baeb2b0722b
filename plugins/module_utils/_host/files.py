# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as its kernel shows it in files, below a root that a test can choose. PRIVATE to the collection."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Host:
    root: str = "/"

    def path(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def exists(self, path: str) -> bool:
        return os.path.exists(self.path(path))

    def names(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError:
            return []

    def read(self, path: str) -> str:
        """The text of a file, empty when there is none or we may not read it."""
        try:
            with open(self.path(path), encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except OSError:
            return ""

    def data(self, path: str, count: int = -1) -> bytes:
        """The first bytes of a file, by default all of them; none when there is none or we may not read it."""
        try:
            with open(self.path(path), "rb", buffering=0) as stream:
                return stream.read(count) or b""
        except OSError:
            return b""

    def link(self, path: str) -> str:
        try:
            return os.readlink(self.path(path))
        except OSError:
            return ""

    def word(self, path: str) -> str:
        return self.read(path).strip()

    def settings(self, path: str) -> dict[str, str]:
        """A file of NAME=value lines, as a shell would read it: /etc/os-release and its kind."""
        return dict(_settings(self.read(path)))

    def numbers(self, path: str) -> dict[str, int]:
        """A file of 'Name: 123 kB' lines, in bytes: /proc/meminfo."""
        found = {}
        for line in self.read(path).splitlines():
            name, _colon, rest = line.partition(":")
            value, _space, unit = rest.strip().partition(" ")
            if value.isdigit():
                found[name] = int(value) * (1024 if unit == "kB" else 1)
        return found

    @property
    def container(self) -> str:
        """The kind of container that we are in, empty outside of one."""
        if self.is_wsl:
            return ""
        kind = self.word("/run/systemd/container")
        if not kind:
            variables = dict(entry.partition("=")[::2] for entry in self.read("/proc/1/environ").split("\0"))
            kind = variables.get("container", "")
        if not kind and self.exists("/.dockerenv"):
            kind = "docker"
        if not kind and self.exists("/run/.containerenv"):
            kind = "podman"
        return kind

    @property
    def is_wsl(self) -> bool:
        # A kernel of the user's own need not be called so.
        release = self.word("/proc/sys/kernel/osrelease").lower()
        return "microsoft" in release or "wsl2" in release or self.exists("/run/WSL")

    @property
    def cpu(self) -> dict[str, str]:
        """What /proc/cpuinfo says of the first core: all cores of a host that we serve are alike."""
        return dict(_fields(self.read("/proc/cpuinfo").partition("\n\n")[0]))

    @property
    def init(self) -> str:
        return self.word("/proc/1/comm")


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            try:
                yield name, " ".join(shlex.split(value))
            except ValueError:
                yield name, value


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _colon, value = line.partition(":")
        yield name.strip(), value.strip()
