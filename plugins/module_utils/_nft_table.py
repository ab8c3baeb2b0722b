# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table of nftables that is ours: judged, read, replaced at one stroke, and taken back by a watchdog."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

if TYPE_CHECKING:
    from typing import Callable

    # AnsibleModule.run_command: status, output, errors.
    RunCommand = Callable[..., "tuple[int, str, str]"]

TABLE = "inet hearth"
WATCHDOG = "hearth-firewall-watchdog"
PREVIOUS_PATH = "/run/hearth-firewall-previous.nft"


def document(body: str) -> str:
    """A file that replaces our table by this one at one stroke, or removes it where the text is empty."""
    # A table that is not there could not be deleted.
    return f"table {TABLE} {{\n}}\ndelete table {TABLE}\n{body}"


class NftTable:
    def __init__(self, run_command: RunCommand, nft: str) -> None:
        self._run_command = run_command
        self._nft = nft

    def live(self) -> str:
        """The table as the kernel has it; empty where there is none."""
        status, output, _errors = self._run_command([self._nft, "--stateless", "list", "table", *TABLE.split()])
        return str(output) if status == 0 else ""

    def judged(self, body: str) -> str:
        """The table as the kernel would have it. It is loaded where nothing is connected: in a network of its own."""
        script = f'"{self._nft}" --file - && "{self._nft}" --stateless list table {TABLE}'
        status, output, errors = self._run_command(["unshare", "--net", "sh", "-ec", script], data=document(body))
        if status != 0:
            raise InputError(
                f"nftables refuses the rules, and nothing was changed. Correct what it names:\n{errors.strip()}"
            )
        return str(output)

    def load(self, body: str) -> None:
        self._do("load the rules", [self._nft, "--file", "-"], document(body))

    def watched(self) -> bool:
        """Whether a watchdog waits to take rules back."""
        return bool(self._run_command(["systemctl", "is-active", "--quiet", f"{WATCHDOG}.timer"])[0] == 0)

    def watch(self, seconds: int) -> None:
        """Has the table that is there now come back after so many seconds, whatever becomes of us."""
        if self.watched():
            # What is there now is itself on trial: what is known to be good was saved before it.
            self.unwatch()
        else:
            write(PREVIOUS_PATH, document(self.live()), 0o600)
        unit = [f"--unit={WATCHDOG}", f"--on-active={seconds}s", "--timer-property=AccuracySec=100ms", "--collect"]
        self._do("arm the watchdog", ["systemd-run", "--quiet", *unit, self._nft, "--file", PREVIOUS_PATH])

    def unwatch(self) -> None:
        if self.watched():
            self._do("disarm the watchdog", ["systemctl", "stop", f"{WATCHDOG}.timer"])

    def _do(self, what: str, command: list[str], data: str | None = None) -> None:
        status, output, errors = self._run_command(command, data=data)
        if status != 0:
            raise HearthError(f"Could not {what}: {command[0]} ended with {status}: {(errors or output).strip()}")


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def write(path: str, content: str, mode: int) -> None:
    """All of it or nothing: this file decides what is open after the next start."""
    unfinished = f"{path}.new"
    with open(unfinished, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(unfinished, path)


def remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
