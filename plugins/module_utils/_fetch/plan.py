# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what should be with what is. Everything that follows (the change, its diff, a dry run) comes from this one comparison."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import Callable, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolved, Wish
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import File
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import (
    DIRECTORY_MODE,
    FILE_MODE,
    Record,
    Store,
    right_bytes,
)

# Called with what is read, its size, and then with every count of bytes.
Reading = Callable[[str, int], Callable[[int], None]]


@dataclass(frozen=True)
class Step:
    """One file. `wrong` says in words why what lies there has to go to quarantine."""

    file: File
    # keep: nothing to do; adopt: right, but not in our records; fetch: missing, outdated or wrong.
    action: str
    sha256: str = ""
    before: str = "absent"
    wrong: str = ""
    found: str = ""
    attributes: bool = False


@dataclass(frozen=True)
class ModelPlan:
    name: str
    resolved: Resolved
    # The file that an engine begins with comes last: whoever waits for that one has all.
    steps: tuple[Step, ...]
    later: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is not all here, and another run is to bring it."""
        return self.later and any(step.action == "fetch" for step in self.steps)

    @property
    def changed(self) -> bool:
        return not self.waits and any(step.action == "fetch" or step.attributes for step in self.steps)


@dataclass
class Plan:
    models: list[ModelPlan] = field(default_factory=list)
    # Relative paths: of models that are to be absent, and of files that no model names (when they are to be pruned).
    absent: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    prune: bool = False
    # Existing directories of models whose mode or owner is not what was asked for.
    directories: list[str] = field(default_factory=list)

    @property
    def removals(self) -> list[str]:
        return sorted({*self.absent, *(self.stale if self.prune else ())})

    @property
    def changed(self) -> bool:
        return bool(self.removals or self.directories) or any(model.changed for model in self.models)

    @property
    def wrong(self) -> list[str]:
        """What lies under the name of a model and is not it."""
        return [f"{model.name}/{step.file.path} ({step.wrong})" for model, step in self.fetches() if step.wrong]

    def fetches(self) -> list[tuple[ModelPlan, Step]]:
        return [
            (model, step) for model in self.models for step in model.steps if step.action == "fetch" and not model.waits
        ]

    def awaited(self) -> list[File]:
        """What another run is to bring, or is bringing."""
        return [step.file for model in self.models if model.waits for step in model.steps if step.action == "fetch"]


class Planner:
    def __init__(self, store: Store, *, verify_full: bool, reading: Reading) -> None:
        self._store, self._verify_full, self._reading = store, verify_full, reading

    def plan(self, resolved: Sequence[tuple[str, Resolved]], wishes: Sequence[Wish], prune: bool) -> Plan:
        plan = Plan(prune=prune)
        later = {wish.name for wish in wishes if wish.later}
        for name, what in resolved:
            self._check_places(name, what)
            steps = tuple(self._step(name, file) for file in _entry_last(what))
            plan.models.append(ModelPlan(name, what, steps, name in later))
            plan.directories += [
                path for path in self._directories(name, what) if self._store.attributes_differ(path, DIRECTORY_MODE)
            ]
        gone = [wish.name for wish in wishes if wish.absent]
        # Other bytes under the name of what comes later would be taken for it.
        wanted = {
            f"{model.name}/{step.file.path}"
            for model in plan.models
            for step in model.steps
            if not (model.waits and step.action == "fetch" and not step.wrong)
        }
        ours = self._store.our_files()
        plan.absent = sorted(path for path in ours - wanted if path.split("/", 1)[0] in gone)
        plan.stale = sorted(ours - wanted - set(plan.absent))
        return plan

    def _directories(self, name: str, what: Resolved) -> list[str]:
        found = set()
        for file in what.files:
            path = self._store.path(name, file.path)
            while path != self._store.directory:
                path = os.path.dirname(path)
                found.add(path)
        return sorted(found - {self._store.directory})

    @staticmethod
    def _check_places(name: str, what: Resolved) -> None:
        seen: set[str] = set()
        for file in what.files:
            if file.path in seen:
                raise InputError(
                    f"{what.source.key}: two files would become {name}/{file.path}. Name the files you want."
                )
            seen.add(file.path)

    def _step(self, model: str, file: File) -> Step:
        path, record = self._store.path(model, file.path), self._store.record(model, file.path)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Step(file, "fetch", file.sha256)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is not a regular file. Move it away: the model's file belongs there.")
        attributes = self._store.attributes_differ(path, FILE_MODE)
        intact = record is not None and (record.bytes, record.mtime_ns) == (status.st_size, status.st_mtime_ns)
        before = (
            f"{status.st_size} bytes, mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid}:{status.st_gid}"
        )
        if record and intact:
            before += f", sha256 {record.sha256}"
            if not _same(record, file):
                return Step(file, "fetch", file.sha256, before)
            if not self._verify_full:
                return Step(file, "keep", record.sha256, before, attributes=attributes)
        if status.st_size != file.bytes:
            return Step(
                file,
                "fetch",
                file.sha256,
                before,
                f"expected {file.bytes} bytes, found {status.st_size}",
                f"{status.st_size}-bytes",
            )
        # A file without a hash of its own is held against what it was when it was fetched.
        known = (
            file
            if file.sha256 or file.git_sha1 or not record
            else File(file.path, file.origin, file.bytes, record.sha256)
        )
        right, found = right_bytes(path, known, self._reading(f"{model}/{file.path}", status.st_size))
        if right:
            return Step(file, "keep" if intact else "adopt", found, before, attributes=attributes)
        wrong = f"expected {_expected(known)}, found sha256 {found}"
        return Step(file, "fetch", file.sha256, f"{before}, sha256 {found}", wrong, found)


def _entry_last(what: Resolved) -> list[File]:
    entry = what.source.entry([file.path for file in what.files])
    return sorted(what.files, key=lambda file: file.path == entry)


def _same(record: Record, file: File) -> bool:
    """Whether the bytes on record are those that are wanted now."""
    if file.sha256:
        return record.sha256 == file.sha256
    if file.git_sha1:
        return record.git_sha1 == file.git_sha1
    return (record.origin, record.bytes, record.validator) == (file.origin, file.bytes, file.validator)


def _expected(file: File) -> str:
    if file.sha256:
        return f"sha256 {file.sha256}"
    return f"git blob {file.git_sha1}" if file.git_sha1 else "bytes that somebody vouches for"
