# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is told of its backups: one file, which the timer's program and the modules read. No secret stands in it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Mapping, Sequence


@dataclass(frozen=True)
class Settings:
    # By this name the repository knows the host.
    host: str
    repository: str
    # One line, the password of the repository.
    password_file: str
    # A dictionary in JSON: what restic finds in its environment, keys of S3 among it.
    environment_file: str
    # How restic reaches a repository by SFTP; empty where there is none.
    sftp_command: str
    # Everything of hearth lies below it.
    directory: str
    # docker or process: how what is replaced is stopped.
    runtime: str
    kept: Sequence[Mapping[str, Any]]
    # daily, weekly, monthly: how many of each stay.
    keep: Mapping[str, int]
    # Of all data so much is read again after each backup.
    read_percent: int
    # For the textfile collector; empty: none.
    metrics_directory: str
    restic: str = "restic"

    @property
    def work(self) -> str:
        """What backups themselves need on the host."""
        return os.path.join(self.directory, "backup")

    @property
    def stage(self) -> str:
        return os.path.join(self.work, "stage")

    def place_of(self, kept: Mapping[str, Any]) -> str:
        return os.path.join(self.directory, kept["place"])

    def names(self) -> list[str]:
        return [str(kept["name"]) for kept in self.kept]

    def environment(self) -> dict[str, str]:
        with open(self.environment_file, encoding="utf-8") as stream:
            return {str(name): str(value) for name, value in json.load(stream).items()}


def read(path: str) -> Settings:
    try:
        with open(path, encoding="utf-8") as stream:
            told = json.load(stream)
    except FileNotFoundError:
        raise InputError(
            f"{path} is not there, where the role hearth.llm.backup says how backups are made: run it first."
        ) from None
    # Beside the file, wherever that is.
    beside = os.path.dirname(os.path.abspath(path))
    for name in ("password_file", "environment_file"):
        told[name] = os.path.join(beside, told[name])
    return Settings(**told)
