# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of what a service keeps, as it was at one moment, while the service goes on.

Databases are copied by SQLite's own backup. What is changed in place is copied, and all of it once more where it has changed meanwhile. All other files are
written once and never changed: they are linked, which takes neither time nor space.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._backup import harmless
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

SQLITE = b"SQLite format 3\0"
# What lies beside a database, and is no part of its copy.
_BESIDE = ("-wal", "-shm", "-journal")
# So often it is tried to find what is changed in place as it was before.
TRIES = 20
# So long another may hold a database.
BUSY_SECONDS = 60.0
# Nobody else has it open: SQLite makes no files beside it.
_ALONE = "mode=ro&immutable=1"
# What is shorter is copied: a link would save nothing.
LINKED_BYTES = 65536


def take(source: str, target: str, *, without: Sequence[str] = (), still: Sequence[str] = ()) -> None:
    """Makes `target`, which is not there yet."""
    for _attempt in range(TRIES):
        before = _signature(source, still)
        _copy(source, target, without, still)
        if _signature(source, still) == before:
            return
        shutil.rmtree(target)
    raise HearthError(
        f"{source} was changed {TRIES} times while it was copied, so that no copy is whole. Nothing was backed up of it: take the backup at another hour "
        "(hearth_backup.at), when nobody adds documents."
    )


def is_database(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


def databases(root: str) -> Iterator[str]:
    """The paths below `root` of all databases there."""
    for directory, _folders, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(directory, name)
            if stat.S_ISREG(os.lstat(path).st_mode) and is_database(path):
                yield os.path.relpath(path, root)


def _signature(root: str, still: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    found = {}
    for path, status in _walk(root) if still else ():
        inside = os.path.relpath(path, root)
        if stat.S_ISREG(status.st_mode) and _fits(inside, still) and not _of_database(path):
            found[inside] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def _walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below it, directories before what is in them. What goes meanwhile is left out."""
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return
    for name in names:
        path = os.path.join(root, name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path)


def _fits(inside: str, patterns: Sequence[str]) -> bool:
    """Whether a path, or a directory that it lies in, is meant."""
    parts = inside.split(os.sep)
    return any(
        fnmatchcase(os.sep.join(parts[:depth]), pattern) for depth in range(1, len(parts) + 1) for pattern in patterns
    )


def _of_database(path: str) -> bool:
    """Whether SQLite alone may copy it."""
    try:
        own = next((path[: -len(end)] for end in _BESIDE if path.endswith(end)), path)
        return is_database(own)
    except (FileNotFoundError, IsADirectoryError):
        return False


def newest(root: str, without: Sequence[str] = ()) -> int:
    """When anything that a copy has was last changed, in nanoseconds; 0 where there is nothing."""
    return max(
        (
            status.st_mtime_ns
            for path, status in _walk(root)
            if not stat.S_ISDIR(status.st_mode)
            and not _fits(os.path.relpath(path, root), without)
            and not _holds_nothing(path, status)
        ),
        default=0,
    )


def _holds_nothing(path: str, status: os.stat_result) -> bool:
    """Whoever reads a database has these beside it, too, as a backup does."""
    return path.endswith("-shm") or (path.endswith("-wal") and not status.st_size)


def _copy(source: str, target: str, without: Sequence[str], still: Sequence[str]) -> None:
    os.makedirs(target)
    folders = [(source, target)]
    for path, status in _walk(source):
        inside = os.path.relpath(path, source)
        if _fits(inside, without):
            continue
        copy = os.path.join(target, inside)
        try:
            if stat.S_ISDIR(status.st_mode):
                os.makedirs(copy)
                folders.append((path, copy))
            elif stat.S_ISLNK(status.st_mode):
                _copy_link(source, inside, copy)
            elif stat.S_ISREG(status.st_mode):
                _copy_file(path, copy, status, linked=status.st_size >= LINKED_BYTES and not _fits(inside, still))
        except FileNotFoundError:
            # It went meanwhile. Where that matters, what is changed in place is another one now.
            continue
    for path, copy in folders:
        if os.path.exists(path):
            _like(path, copy)


def _copy_link(source: str, inside: str, copy: str) -> None:
    """What it leads to is taken by itself, or not at all: then nobody would know until it is to come back."""
    target = os.readlink(os.path.join(source, inside))
    if harmless.leads_out(source, inside, target):
        raise HearthError(
            f"{os.path.join(source, inside)} is a link to {target}, outside of what is kept, so that no backup would have what it leads to, and nothing was "
            "backed up: put that itself in the link's place, or remove the link."
        )
    os.symlink(target, copy)


def _copy_file(path: str, copy: str, status: os.stat_result, *, linked: bool) -> None:
    if is_database(path):
        copy_database(path, copy)
        _like(path, copy)
        # Each copy is another file; where nothing has changed, restic is not to read it again.
        return
    if _of_database(path):
        return
    if linked:
        try:
            os.link(path, copy, follow_symlinks=False)
        except OSError:
            # Another file system, or a file of somebody else.
            linked = False
    if not linked:
        shutil.copyfile(path, copy)
        _like(path, copy)
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))


def _like(path: str, copy: str) -> None:
    status = os.stat(path)
    shutil.copystat(path, copy)
    if os.geteuid() == 0:
        os.chown(copy, status.st_uid, status.st_gid)


def copy_database(path: str, copy: str) -> None:
    """As it is between two transactions, what stands in its write-ahead log included."""
    deadline = time.monotonic() + BUSY_SECONDS

    def give_up(_status: int, _remaining: int, _total: int) -> None:
        if time.monotonic() > deadline:
            raise HearthError(
                f"{path} was held by its service for {BUSY_SECONDS:.0f} s: restart the service, or take the backup at another hour."
            )

    try:
        with closing(_open(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, progress=give_up)
    except sqlite3.Error as error:
        raise HearthError(
            f"{path} cannot be copied: {error}. Where it is damaged, bring it back from an earlier snapshot (docs/backup.md)."
        ) from error


def wrong_with_database(path: str) -> str:
    """What SQLite finds in a copy; empty where it is whole."""
    try:
        with closing(_open(path, _ALONE)) as opened:
            (said,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    return "" if said == "ok" else str(said)


def count(root: str, counts: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many rows each table of a copy has. A service that has not made its tables yet has none."""
    found = {}
    for name, (inside, table) in sorted(counts.items()):
        path = os.path.join(root, inside)
        found[name] = _rows(path, table) if os.path.exists(path) else 0
    return found


def _rows(path: str, table: str) -> int:
    try:
        with closing(_open(path, _ALONE)) as opened:
            known: Any = opened.execute(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
            )
            if not known.fetchone()[0]:
                return 0
            return int(opened.execute('SELECT count(*) FROM "{}"'.format(table.replace('"', '""'))).fetchone()[0])
    except sqlite3.Error as error:
        raise HearthError(f"{path} cannot be read: {error}.") from error


def _open(path: str, how: str = "mode=ro") -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?{how}", uri=True, timeout=BUSY_SECONDS)
