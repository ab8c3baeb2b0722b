# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys that lie on the controller as texts, each replaced when its rotation gets another name.

A text's file is what is valid now. What was valid before is known by its hash alone, in the directory `.rotated` beside it.

A text is made in the directory `.prepared`, laid out the same way, and takes its place once the gateway knows it. What lies there counts from then on: a
gateway may know it already, from a run that was killed.
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

from ansible_collections.hearth.llm.plugins.module_utils._durable import replace
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import (
    keep,
    make_directory,
    make_once,
    refuse_dangling,
)

DAY = 86400
PREPARED, ROTATED = ".prepared", ".rotated"
# The place of a hash that nobody can know before the text is made.
UNKNOWN = "0" * 64

Valid = list[dict[str, Any]]


class RotatedText:
    """The text `name` in `directory`. `read` gives what stands in a file."""

    def __init__(self, directory: Path, name: str, read: Callable[[Path], str]) -> None:
        self._directory = directory
        self._read = read
        self._text, self._prepared_text = directory / name, directory / PREPARED / name
        self._record, self._prepared_record = directory / ROTATED / name, directory / PREPARED / ROTATED / name

    def valid(self, rotation: str | None, overlap_days: int) -> Valid:
        """The hash of the text that is valid now, and of those before it with the second in which each ends. As they would be, where one has to be made."""
        present, record = self._hash, self._known
        due = self._is_due(present, record, rotation)
        previous = _replaced(record, present, overlap_days) if due else record["previous"]
        now = UNKNOWN if due or not present else present
        return [{"sha256": now, "ends": None}, *_dated(previous, overlap_days)]

    def is_wanting(self, rotation: str | None) -> bool:
        """Whether a text has to be made."""
        present = self._hash
        return not present or self._is_due(present, self._known, rotation)

    def prepare(self, rotation: str | None, overlap_days: int, make: Callable[[], str]) -> None:
        """Makes a text that is wanting. `keep_prepared` belongs behind the last one."""
        make_directory(self._directory, self._prepared_record.parent)
        present, record = self._hash, self._known
        due = self._is_due(present, record, rotation)
        if due:
            # Its hash is noted before the text is made: who finds the one without the other makes the text.
            record["previous"] = _replaced(record, present, overlap_days, since=int(time.time()))
        if due or rotation is not None:
            _save(self._prepared_record, {**record, "rotation": rotation or record["rotation"]})
        if due:
            self._prepared_text.unlink(missing_ok=True)
        make_once(self._directory, self._prepared_text, make(), one_of_many=True)

    def take_over(self) -> bool:
        """Puts what was prepared in its place. The old text is gone with that."""
        return any([_move(self._prepared_record, self._record), _move(self._prepared_text, self._text)])

    def withdraw(self) -> bool:
        """Takes back what was prepared."""
        there = self._prepared_text.exists() or self._prepared_record.exists()
        self._prepared_text.unlink(missing_ok=True)
        self._prepared_record.unlink(missing_ok=True)
        return there

    @property
    def since(self) -> float | None:
        """When the text was made that is valid now."""
        place = self._place
        return place.stat().st_mtime if place else None

    @property
    def rotation(self) -> str | None:
        """The name of the rotation that it was made for."""
        name = self._known["rotation"]
        return None if name is None else str(name)

    @property
    def _place(self) -> Path | None:
        for path in (self._prepared_text, self._text):
            if path.exists():
                return path
            refuse_dangling(path)
        return None

    @property
    def _hash(self) -> str:
        """Of the text that is valid now; empty where none was made."""
        place = self._place
        return hashlib.sha256(self._read(place).encode()).hexdigest() if place else ""

    @property
    def _known(self) -> dict[str, Any]:
        for path in (self._prepared_record, self._record):
            with contextlib.suppress(FileNotFoundError):
                return dict(json.loads(path.read_text()))
        return {"rotation": None, "previous": []}

    @staticmethod
    def _is_due(present: str, record: dict[str, Any], rotation: str | None) -> bool:
        is_half_done = present in [old["sha256"] for old in record["previous"]]
        return bool(present) and (is_half_done or rotation not in (None, record["rotation"]))


@contextlib.contextmanager
def locked(directory: Path, *, reads: bool = False) -> Iterator[None]:
    """Several hosts and forks may ask for the same keys at once. Who only reads needs no directory."""
    if reads and not directory.is_dir():
        yield
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if reads else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def keep_prepared(directory: Path) -> None:
    keep(directory / PREPARED)


def remove_emptied(directory: Path) -> None:
    """What remains of `.prepared` when nothing is prepared any more."""
    for place in (directory / PREPARED / ROTATED, directory / PREPARED):
        with contextlib.suppress(OSError):
            place.rmdir()


def _replaced(record: dict[str, Any], present: str, overlap_days: int, since: int = 0) -> Valid:
    """What was replaced, with the text that is valid now, without what has ended before `since`."""
    known = list(record["previous"])
    if present not in [old["sha256"] for old in known]:
        known.append({"sha256": present, "replaced": int(time.time())})
    return [old for old in known if old["replaced"] + overlap_days * DAY >= since]


def _dated(previous: Valid, overlap_days: int) -> Valid:
    return [{**old, "ends": old["replaced"] + overlap_days * DAY} for old in previous]


def _save(path: Path, record: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(json.dumps(record, indent=1) + "\n")
    replace(str(draft), str(path))


def _move(here: Path, there: Path) -> bool:
    if not here.exists():
        return False
    there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    here.rename(there)
    return True
