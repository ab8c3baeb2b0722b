# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks restic, and says what it complains of with what to do. Passwords and keys are in files and in its environment, and never in a command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._backup.settings import Settings

TAG = "hearth"
CONTROLLER = "hearth-controller"
# A repository that does not answer is tried again by restic for a quarter of an hour.
ANSWER_SECONDS = 90
# So long one waits for others who work in it: somebody looks on, or, for the timer's program, nobody does.
PATIENCE = 300.0
LONG_PATIENCE = 7200.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_LAST_LINES = 5

# restic's words, in all versions since 0.12, and what they mean. {repository} is its address.
_COMPLAINTS: Sequence[tuple[str, str]] = (
    (
        r"wrong password or no key found",
        "the password does not open it. Bring backup/password of the secrets of the controller that made it (docs/secrets.md); without it nobody can read it.",
    ),
    (
        r"no space left on device|disk quota exceeded",
        "there is no space left, in it or below hearth_directory. Make room, or keep fewer snapshots (keep_daily, keep_weekly, keep_monthly of hearth_backup).",
    ),
    (
        r"already locked|unable to create lock",
        "another run, of this host or another one, still works in it. Run this again when it has ended; a lock whose run is gone goes after half an hour.",
    ),
    (
        r"unable to open config file|Is there a repository|config file does not exist|<config/0+> does not exist",
        "there is no repository. Mount or start what it lies on, or write its right address as hearth_backup.repository.",
    ),
    (
        r"Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|Permission denied \(|Host key verification failed",
        "who asks is not let in. Look into hearth_backup.credentials (S3), or ssh_key and known_hosts (SFTP).",
    ),
    (
        r"connection refused|no such host|i/o timeout|network is unreachable|no route to host|unable to start the sftp session|NoSuchBucket|connection reset",
        "it does not answer. Start what it lies on, or write its right address as hearth_backup.repository.",
    ),
    (
        r"permission denied|read-only file system",
        "it cannot be written to. Give the user who makes the backups the right to, or name another place as hearth_backup.repository.",
    ),
    (
        r"pack .* not found|does not exist in|ciphertext verification failed|seems to be corrupt|contains errors|invalid data returned|hash does not match",
        "it is damaged. Keep it as it is, take a new one (hearth_backup.repository), and see what restic check says of this one.",
    ),
)
_LOCKED = re.compile(_COMPLAINTS[2][0], re.IGNORECASE)
_NOT_THERE = re.compile(_COMPLAINTS[3][0], re.IGNORECASE)


class ResticError(HearthError):
    """restic has ended with an error. `there` says whether there is a repository, as far as is known."""

    def __init__(self, message: str, *, said: str) -> None:
        super().__init__(message)
        self.is_locked = bool(_LOCKED.search(said))
        self.is_not_there = bool(_NOT_THERE.search(said))


class Restic:
    def __init__(self, settings: Settings, patience: float | None = None) -> None:
        self._settings = settings
        self._patience = PATIENCE if patience is None else patience
        self._words = [settings.restic]
        if settings.sftp_command:
            self._words += ["-o", f"sftp.command={settings.sftp_command}"]

    def ask(self, *words: str, timeout: float | None = None, directory: str | None = None) -> str:
        """What it says. A lock that a dead run has left is taken away, and others who work in it, as hosts that share it do, are waited for."""
        # restic itself waits from 0.16 on only (--retry-lock).
        deadline = time.monotonic() + self._patience
        pause = 0.0
        while True:
            try:
                return self._ask(words, timeout, directory)
            except ResticError as error:
                if not error.is_locked or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2) if pause else _FIRST_PAUSE
            # Takes those away whose process is gone, or that are half an hour old, and no others.
            self._ask(("unlock",), ANSWER_SECONDS, None)

    def document(self, *words: str, timeout: float | None = None) -> Any:
        said = self.ask(*words, "--json", timeout=timeout)
        try:
            return json.loads(said)
        except ValueError:
            raise HearthError(
                f"restic {words[0]} has said no JSON: {said[:200]!r}. It may be older than 0.12: bring a newer one."
            ) from None

    def snapshots(self, tag: str = TAG) -> list[Mapping[str, Any]]:
        """Those of this host, the oldest first."""
        found = self.document("snapshots", "--tag", tag, "--host", self._settings.host, timeout=ANSWER_SECONDS) or []
        return sorted(found, key=lambda snapshot: str(snapshot["time"]))

    def identity(self) -> str:
        """By which one knows the repository again. Fails where it is not there, or the password is not its own."""
        return str(json.loads(self.ask("cat", "config", "--no-lock", timeout=ANSWER_SECONDS))["id"])

    def _ask(self, words: Sequence[str], timeout: float | None, directory: str | None) -> str:
        try:
            ended = subprocess.run(
                [*self._words, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self._environment(),
                cwd=directory,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise InputError(
                f"{self._settings.restic} is not there: install the package restic, which the role hearth.llm.backup does as root."
            ) from None
        except subprocess.TimeoutExpired:
            raise self._failed(words[0], f"restic has not answered in {timeout:.0f} s: i/o timeout") from None
        if ended.returncode == 0:
            return ended.stdout.decode("utf-8", "replace")
        raise self._failed(words[0], (ended.stderr + ended.stdout).decode("utf-8", "replace"))

    def _failed(self, verb: str, said: str) -> ResticError:
        repository = self._settings.repository
        own = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("{")]
        last = " / ".join(own[-_LAST_LINES:])
        for pattern, meaning in _COMPLAINTS:
            if re.search(pattern, said, re.IGNORECASE):
                return ResticError(f"The backup repository {repository}: {meaning} (restic {verb}: {last})", said=said)
        return ResticError(f"The backup repository {repository}: restic {verb} has failed: {last}", said=said)

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "HOME": os.environ.get("HOME", settings.work),
            "LC_ALL": "C",
            "TMPDIR": settings.work,
            **settings.environment(),
            "RESTIC_REPOSITORY": settings.repository,
            "RESTIC_PASSWORD_FILE": settings.password_file,
            "RESTIC_CACHE_DIR": os.path.join(settings.work, "cache"),
            "RESTIC_PROGRESS_FPS": "0.001",
        }
