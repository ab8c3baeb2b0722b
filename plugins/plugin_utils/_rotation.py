# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys that lie on the controller as texts, each replaced when its rotation gets another name.

A text's file is what is valid now. What was valid before is known by its hash alone, in the directory `.rotated` beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DAY = 86400
# The place of a hash that nobody can know before the text is made.
UNKNOWN = "0" * 64

Valid = list[dict[str, Any]]


class RotatedText:
    """`read` gives the text, and makes it first when it is absent."""

    def __init__(self, path: Path, read: Callable[[], str]) -> None:
        self._path = path
        self._read = read
        self._record_path = path.parent / ".rotated" / path.name
        self._record: dict[str, Any] = {"rotation": None, "previous": []}

    def look(self, rotation: str | None, overlap_days: int) -> Valid:
        """As `rotate`, without changing anything."""
        self._load()
        if self._is_due(rotation):
            return [{"sha256": UNKNOWN, "ends": None}, *self._previous(overlap_days, also=self._hash)]
        return [{"sha256": self._hash, "ends": None}, *self._previous(overlap_days)]

    def rotate(self, rotation: str | None, overlap_days: int) -> Valid:
        """The hash of the text that is valid now, and of those before it with the second in which each ends."""
        if rotation is not None or self._record_path.exists():
            with self._locked():
                self._load()
                if rotation is not None and not self._path.exists():
                    self._save(rotation)
                if self._is_due(rotation):
                    self._record["previous"] = self._previous(overlap_days, also=self._hash, since=int(time.time()))
                    self._save(rotation or self._record["rotation"])
                    self._path.unlink()
        return [{"sha256": self._hash, "ends": None}, *self._previous(overlap_days)]

    @property
    def _hash(self) -> str:
        return hashlib.sha256(self._read().encode()).hexdigest()

    def _is_due(self, rotation: str | None) -> bool:
        if not self._path.exists():
            return False
        # Its hash is noted before a text is replaced: a run that was killed in between is completed.
        is_half_done = self._hash in [old["sha256"] for old in self._record["previous"]]
        return is_half_done or rotation not in (None, self._record["rotation"])

    def _previous(self, overlap_days: int, also: str | None = None, since: int = 0) -> Valid:
        """What was replaced, and has not ended before `since`."""
        known = list(self._record["previous"])
        if also and also not in [old["sha256"] for old in known]:
            known.append({"sha256": also, "replaced": int(time.time())})
        dated = [{**old, "ends": old["replaced"] + overlap_days * DAY} for old in known]
        return [old for old in dated if old["ends"] >= since]

    def _load(self) -> None:
        if self._record_path.exists():
            self._record = json.loads(self._record_path.read_text())

    def _save(self, rotation: str | None) -> None:
        self._record["rotation"] = rotation
        previous = [{"sha256": old["sha256"], "replaced": old["replaced"]} for old in self._record["previous"]]
        draft = self._record_path.with_name(f".{self._record_path.name}.new")
        draft.write_text(json.dumps({"rotation": rotation, "previous": previous}, indent=1) + "\n")
        draft.rename(self._record_path)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Several hosts and forks may ask for the same key at once."""
        directory = self._record_path.parent
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
