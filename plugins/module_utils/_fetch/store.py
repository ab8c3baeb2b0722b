# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on the host: the models' directories, our records about them, and the quarantine.

<directory>/<model>/<file>          0444, verified
<directory>/.fetch/records.json     what this module made, and which size and time of change it had when it was verified
<directory>/.fetch/partial/         what is on its way (journal)
<directory>/.fetch/lock, progress.json
<directory>/.quarantine/            wrong bytes, for a person to look at
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from dataclasses import dataclass, replace
from typing import Callable, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._durable import settle
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.digest import Digest, GitDigest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import Part, read_json, write_json
from ansible_collections.hearth.llm.plugins.module_utils._fetch.ranges import MIB
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import File

FILE_MODE = 0o444
DIRECTORY_MODE = 0o755
VERSION = 1


@dataclass(frozen=True)
class Record:
    """A file as it was when its bytes were verified."""

    path: str
    origin: str
    bytes: int
    sha256: str
    mtime_ns: int
    git_sha1: str = ""
    validator: str = ""


@dataclass(frozen=True)
class Model:
    """A model as it was put here."""

    source: str
    revision: str
    files: tuple[Record, ...]


class Store:
    def __init__(self, directory: str, uid: int = -1, gid: int = -1) -> None:
        self.directory = directory
        self.state = os.path.join(directory, ".fetch")
        self.partial = os.path.join(self.state, "partial")
        self.quarantined = os.path.join(directory, ".quarantine")
        self.lock = os.path.join(self.state, "lock")
        self.progress = os.path.join(self.state, "progress.json")
        self._uid, self._gid = uid, gid
        self._records_path = os.path.join(self.state, "records.json")
        self.models: dict[str, Model] = {}
        # Files that we made and that no model names any more; pruning removes them.
        self.leftovers: set[str] = set()
        self._load()

    # -- records

    def _load(self) -> None:
        self._saved = content = read_json(self._records_path)
        if content.get("version") != VERSION:
            return
        try:
            self.models = {
                name: Model(model["source"], model["revision"], tuple(Record(**record) for record in model["files"]))
                for name, model in content["models"].items()
            }
            self.leftovers = set(content["leftovers"])
        except (AttributeError, KeyError, TypeError):
            # Somebody edited it. Without records nothing is lost: files are verified and taken over by their hashes.
            self.models, self.leftovers = {}, set()

    def save(self) -> None:
        """Writes the records, where they differ from those on the disk."""
        models = {
            name: {
                "source": model.source,
                "revision": model.revision,
                "files": [vars(record) for record in model.files],
            }
            for name, model in self.models.items()
        }
        content = {"version": VERSION, "models": models, "leftovers": sorted(self.leftovers)}
        if content != self._saved:
            write_json(self._records_path, content)
            self._saved = content

    def record(self, model: str, path: str) -> Record | None:
        known = self.models.get(model)
        return next((record for record in known.files if record.path == path), None) if known else None

    def twin(self, file: File, path: str) -> str | None:
        """Where else the same bytes lie, as far as size and time of change tell."""
        for name in self.models:
            for record in self.models[name].files:
                other = self.path(name, record.path)
                if file.sha256 == record.sha256 and other != path and os.path.exists(other):
                    status = os.stat(other)
                    if (status.st_size, status.st_mtime_ns) == (file.bytes, record.mtime_ns):
                        return other
        return None

    # -- paths and their attributes

    def path(self, model: str, path: str) -> str:
        return os.path.join(self.directory, model, path)

    def relative(self, path: str) -> str:
        return os.path.relpath(path, self.directory)

    def part(self, file: File) -> Part:
        """By its content where that is known, so that it is found again under any name."""
        if file.sha256:
            return Part(self.partial, file.sha256, file.bytes)
        if file.git_sha1:
            return Part(self.partial, f"git-{file.git_sha1}", file.bytes)
        name = Digest()
        name.update(memoryview(bytearray(file.origin.encode("utf-8"))))
        return Part(self.partial, f"from-{name.hexdigest()[:40]}", file.bytes, file.validator)

    def make_directory(self, path: str) -> None:
        """Makes the directory and what is missing above it; below ours, with the owner that was asked for."""
        if os.path.isdir(path):
            return
        self.make_directory(os.path.dirname(path))
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, DIRECTORY_MODE)
        os.chmod(path, DIRECTORY_MODE)
        if os.path.commonpath([path, self.directory]) == self.directory:
            os.chown(path, *self._owner_of_new())

    def _owner_of_new(self) -> tuple[int, int]:
        """Where nobody is named, root gives what it makes to whom the directory belongs: that user works in it, too."""
        if (self._uid, self._gid) != (-1, -1) or os.geteuid() != 0 or not os.path.isdir(self.directory):
            return self._uid, self._gid
        there = os.stat(self.directory)
        return there.st_uid, there.st_gid

    def attributes_differ(self, path: str, mode: int) -> bool:
        try:
            status = os.lstat(path)
        except OSError:
            return False
        owned = self._uid in (-1, status.st_uid) and self._gid in (-1, status.st_gid)
        return stat.S_IMODE(status.st_mode) != mode or not owned

    def owner_after(self, path: str) -> str:
        """In numbers, whose the file will be."""
        there = os.lstat(path) if os.path.lexists(path) else None
        uid, gid = (there.st_uid, there.st_gid) if there else self._owner_of_new()
        uid, gid = (self._uid if self._uid != -1 else uid), (self._gid if self._gid != -1 else gid)
        return f"{os.geteuid() if uid == -1 else uid}:{os.getegid() if gid == -1 else gid}"

    def set_attributes(self, path: str, mode: int) -> None:
        os.chown(path, self._uid, self._gid)
        os.chmod(path, mode)

    # -- files

    def place(self, part: Part, model: str, file: File, sha256: str) -> Record:
        """Durably under the final name, in one step, with its mode and owner from the first moment."""
        final = self.path(model, file.path)
        self.make_directory(os.path.dirname(final))
        os.fchmod(part.fd, FILE_MODE)
        os.fchown(part.fd, *self._owner_of_new())
        os.fsync(part.fd)
        os.rename(part.path, final)
        settle(os.path.dirname(final))
        mtime_ns = os.fstat(part.fd).st_mtime_ns
        part.close()
        part.forget()
        return Record(file.path, file.origin, file.bytes, sha256, mtime_ns, file.git_sha1, file.validator)

    def adopt(self, model: str, file: File, sha256: str) -> Record:
        """A file that lay there already and has the right bytes."""
        mtime_ns = os.stat(self.path(model, file.path)).st_mtime_ns
        return Record(file.path, file.origin, file.bytes, sha256, mtime_ns, file.git_sha1, file.validator)

    def quarantine(self, path: str, name: str, mark: str) -> str:
        """Moves wrong bytes out of the way, where a person can look at them."""
        self.make_directory(self.quarantined)
        there = os.path.join(self.quarantined, f"{name.replace('/', '--')}.{mark[:12]}")
        os.rename(path, there)
        return there

    def remove(self, relative: str) -> None:
        """Removes a file that we made, and its directories as far as they are empty then."""
        path = os.path.join(self.directory, relative)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        above = os.path.dirname(path)
        while above != self.directory:
            try:
                os.rmdir(above)
            except OSError:
                return
            above = os.path.dirname(above)

    def drop(self, model: str) -> None:
        """Removes what we made of a model. Whoever began with its first file sees that it is gone before the others are."""
        for relative in reversed(self.current_files(model)):
            self.remove(relative)
        del self.models[model]
        self.save()

    def current_files(self, model: str) -> list[str]:
        """What belongs to a model, relative to the directory."""
        return [f"{model}/{record.path}" for record in self.models[model].files]

    def our_files(self) -> set[str]:
        """All that we made, relative to the directory: what belongs to models, and what once did."""
        return {path for model in self.models for path in self.current_files(model)} | self.leftovers

    def forget_parts(self, keep: Sequence[File]) -> None:
        """What has begun and is no longer wanted."""
        kept = {path for part in map(self.part, keep) for path in (part.path, part.journal_path)}
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.partial):
                path = os.path.join(self.partial, name)
                if path not in kept:
                    os.unlink(path)

    def free_bytes(self) -> int:
        """What an ordinary user may still write into the file system of the directory, which need not exist yet."""
        path = self.directory
        while not os.path.exists(path):
            path = os.path.dirname(path)
        status = os.statvfs(path)
        return status.f_bavail * status.f_frsize


def right_bytes(path: str, file: File, watch: Callable[[int], None]) -> tuple[bool, str]:
    """Reads the whole file; whether its bytes are those that are wanted, and their sha256."""
    sha256, git = Digest(), GitDigest(os.path.getsize(path))
    buffer = memoryview(bytearray(MIB))
    with open(path, "rb", buffering=0) as stream:
        while True:
            count = stream.readinto(buffer)
            if not count:
                break
            sha256.update(buffer[:count])
            if file.git_sha1:
                git.update(buffer[:count])
            watch(count)
    found = sha256.hexdigest()
    if file.sha256:
        return found == file.sha256, found
    return (git.hexdigest() == file.git_sha1 if file.git_sha1 else False), found


def looks_like(path: str) -> str:
    """In words, what wrong bytes seem to be."""
    with open(path, "rb") as stream:
        head = stream.read(256).lstrip()
    if head[:1] == b"<":
        return " It begins like an HTML page."
    if head.startswith(b"version https://git-lfs"):
        return " It is a Git LFS pointer, not the file."
    return ""


def is_gguf(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(4) == b"GGUF"


def account(owner: str | None, group: str | None) -> tuple[int, int]:
    """Numbers for names; -1 means to leave it."""
    try:
        uid = -1 if owner is None else int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        gid = -1 if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise InputError(
            f"owner {owner!r} or group {group!r} is not known on this host ({error.args[0]}). Make it first, or give a number."
        ) from error
    return uid, gid


def with_sha256(file: File, sha256: str, who: str) -> File:
    """The file with the hash that someone asks for, which must not contradict what is known."""
    if sha256 and file.sha256 and sha256 != file.sha256:
        raise InputError(
            f"{file.path}: {who} says sha256 {sha256}, but its origin, or its entry in the lock file, says {file.sha256}. Correct the one that is wrong: "
            "the sha256 of the model, its entry in the lock file, or the source."
        )
    return replace(file, sha256=sha256 or file.sha256)
