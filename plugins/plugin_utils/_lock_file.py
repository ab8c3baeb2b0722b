# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock file on the controller: what each source of a model meant when it was looked up."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_HEAD = """\
---
# Written by hearth.llm.model: the commit, sizes and hashes that each source had when it was looked up. Commit this file.
# To look a source up again, remove its entry, or set update.
"""


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint and people like it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


class LockFileError(Exception):
    pass


class LockFile:
    def __init__(self, path: str) -> None:
        self.path = path
        self._file = Path(path)

    def read(self) -> dict[str, Any]:
        """Its entries by source; none where there is no file."""
        try:
            content = yaml.safe_load(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, yaml.YAMLError) as error:
            raise LockFileError(
                f"Cannot read the lock file {self.path}: {error}. Restore it, or remove it to look everything up again."
            ) from error
        if content is not None and not isinstance(content, dict):
            raise LockFileError(
                f"The lock file {self.path} is not a mapping of sources. Restore it, or remove it to look everything up again."
            )
        return content or {}

    def merge(self, entries: Mapping[str, Any], *, update: bool, write: bool) -> tuple[str, str]:
        """Adds what it does not say yet (with `update`: what it says differently). Its text before and after.

        Hosts run side by side: each reads and writes while no other one does, and what the first one wrote stays.
        """
        # The module's strings carry Ansible's tags, which are nothing for a file.
        plain = json.loads(json.dumps(entries))
        if not write:
            return self._merged(plain, update)
        try:
            with self._alone():
                before, after = self._merged(plain, update)
                if before != after:
                    aside = self._file.with_name(self._file.name + ".new")
                    aside.write_text(after, "utf-8")
                    aside.replace(self._file)
        except OSError as error:
            raise LockFileError(
                f"Cannot write the lock file {self.path}: {error.strerror}. Make its directory writable for you."
            ) from error
        return before, after

    def _merged(self, entries: Mapping[str, Any], update: bool) -> tuple[str, str]:
        known = self.read()
        new = {**known, **entries} if update else {**entries, **known}
        before = self._file.read_text("utf-8") if self._file.exists() else ""
        return before, before if new == known else _HEAD + yaml.dump(
            dict(sorted(new.items())), Dumper=_Dumper, sort_keys=False, width=1000
        )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        fd = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
