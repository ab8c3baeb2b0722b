# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file on its way: the part file, and beside it the journal of what is proven to lie on the disk.

A range is written into the journal only after its bytes were, durably. So whatever kills us, at most what came since the last checkpoint is
fetched again. The key is the content's own name where it is known: another model with the same file, or the same file under another
name, goes on where the first one stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._fetch.digest import Digest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.ranges import Range, merge, total

VERSION = 1


def write_json(path: str, content: Any, mode: int = 0o644, durable: bool = True) -> None:
    """Replaces the file in one step: a reader sees the old content or the new."""
    aside = path + ".new"
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        if durable:
            os.fsync(stream.fileno())
    os.replace(aside, path)


def read_json(path: str) -> dict[str, Any]:
    """The file's object; empty where there is none, or none that makes sense."""
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class Part:
    """`<key>.part` and `<key>.journal` in one directory."""

    def __init__(self, directory: str, key: str, size: int, validator: str = "") -> None:
        self.path = os.path.join(directory, key + ".part")
        self.journal_path = os.path.join(directory, key + ".journal")
        self.size, self._validator = size, validator
        self._journal = self._read()
        self.fd = -1

    @property
    def proven(self) -> list[Range]:
        return merge((int(start), int(end)) for start, end in self._journal.get("ranges", []))

    @property
    def missing_bytes(self) -> int:
        return self.size - total(self.proven)

    def digest(self) -> Digest:
        """The hash as far as it was saved, never further than what is proven without a gap."""
        return Digest.load(self._journal.get("digest"))

    def _read(self) -> dict[str, Any]:
        """The journal, where it speaks of the same content and of bytes that are there."""
        journal = read_json(self.journal_path)
        try:
            there = os.stat(self.path).st_size
        except OSError:
            return {}
        same = (VERSION, self.size, self._validator) == tuple(journal.get(k) for k in ("version", "size", "validator"))
        return journal if same and there == self.size else {}

    def open(self) -> None:
        """Makes the part file as long as the file will be, without taking the space: what is missing is a hole."""
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._journal:
            os.ftruncate(self.fd, 0)
        os.ftruncate(self.fd, self.size)

    def checkpoint(self, target: str, ranges: list[Range], digest: dict[str, Any] | None) -> None:
        """Everything in `ranges` was written before this call; after it, it is proven."""
        os.fdatasync(self.fd)
        self._journal = {
            "version": VERSION,
            "size": self.size,
            "validator": self._validator,
            "target": target,
            "ranges": ranges,
            "digest": digest,
        }
        write_json(self.journal_path, self._journal, mode=0o600)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def forget(self) -> None:
        """The bytes went elsewhere, or are not wanted: the journal speaks of nothing any more."""
        self._journal = {}
        for path in (self.journal_path, self.path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
