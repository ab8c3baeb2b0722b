# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out: room first, then file after file, each in the records as soon as it is in its place."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field, replace
from typing import Callable

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.download import Download, Fetched, Limits
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import StoppedError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import Part
from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import ModelPlan, Plan, Step
from ansible_collections.hearth.llm.plugins.module_utils._fetch.progress import Meter
from ansible_collections.hearth.llm.plugins.module_utils._fetch.remote import FileRemote
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolver
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import File
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import (
    DIRECTORY_MODE,
    FILE_MODE,
    Model,
    Record,
    Store,
    is_gguf,
    looks_like,
)
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size


@dataclass
class Done:
    received: int = 0
    quarantined: list[str] = field(default_factory=list)


def planned_bytes(store: Store, plan: Plan) -> int:
    """What is still to be fetched, without what is proven to be here already."""
    return sum(store.part(step.file).missing_bytes for _model, step in plan.fetches())


def check_room(store: Store, plan: Plan, reserve: int) -> None:
    """Before the first byte: would all of it fit?"""
    needed = planned_bytes(store, plan)
    freed = sum(_size(os.path.join(store.directory, path)) for path in plan.absent)
    short = needed - (store.free_bytes() + freed - reserve)
    if needed and short > 0:
        raise InputError(
            f"Not enough room in {store.directory}: {as_decimal_size(needed)} are still to be fetched, {as_decimal_size(store.free_bytes())} are free, "
            f"and {as_decimal_size(reserve)} of them are to stay free. {short} bytes ({as_decimal_size(short)}) are missing. "
            "Free them there, or let directory name a larger file system.",
            missing_bytes=short,
        )


class Applier:
    def __init__(
        self, store: Store, resolver: Resolver, limits: Limits, meter: Meter, listen: Callable[[], None]
    ) -> None:
        self._store, self._resolver, self._limits, self._meter, self._listen = store, resolver, limits, meter, listen
        self._done = Done()

    def apply(self, plan: Plan) -> Done:
        self._remove(plan.absent)
        fetches = plan.fetches()
        if fetches:
            self._store.make_directory(self._store.partial)
        self._meter.expect(len(fetches), sum(step.file.bytes for _model, step in fetches))
        for model in plan.models:
            self._put(model)
        current = {path for name in self._store.models for path in self._store.current_files(name)}
        self._store.leftovers = (self._store.leftovers | set(plan.stale)) - current
        if plan.prune:
            # Last: what ran before can run on until the new files are all there.
            self._remove(plan.stale)
            self._store.forget_parts(keep=plan.awaited())
        for path in plan.directories:
            self._store.set_attributes(path, DIRECTORY_MODE)
        self._store.save()
        return self._done

    def _remove(self, paths: list[str]) -> None:
        for path in paths:
            self._store.remove(path)
        self._store.leftovers -= set(paths)
        for name in list(self._store.models):
            if set(self._store.current_files(name)) <= set(paths):
                del self._store.models[name]

    def _put(self, plan: ModelPlan) -> None:
        if plan.waits:
            self._displace(plan)
            return
        records: list[Record] = []
        for step in plan.steps:
            known = self._store.record(plan.name, step.file.path)
            if step.action == "fetch":
                records.append(self._fetch(plan, step))
            elif step.action == "keep" and known:
                validator = step.file.validator or known.validator
                records.append(replace(known, origin=step.file.origin, validator=validator))
            else:
                records.append(self._store.adopt(plan.name, step.file, step.sha256))
            if step.attributes:
                self._store.set_attributes(self._store.path(plan.name, step.file.path), FILE_MODE)
            self._keep_records(plan, records)
        place = {file.path: number for number, file in enumerate(plan.resolved.files)}
        in_order = sorted(records, key=lambda record: place[record.path])
        self._store.models[plan.name] = Model(plan.resolved.source.key, plan.resolved.revision, tuple(in_order))
        self._store.save()

    def _displace(self, plan: ModelPlan) -> None:
        """Wrong bytes under the name of what comes later would be served before that."""
        for step in plan.steps:
            if step.wrong:
                path = self._store.path(plan.name, step.file.path)
                there = self._store.quarantine(path, f"{plan.name}/{step.file.path}", step.found)
                self._done.quarantined.append(f"{there} ({step.wrong})")

    def _keep_records(self, plan: ModelPlan, records: list[Record]) -> None:
        """After each file, so that a run that is killed later has not forgotten it."""
        if plan.steps[len(records) - 1].action != "fetch":
            return
        now = {record.path for record in records}
        before = self._store.models.get(plan.name)
        others = tuple(record for record in before.files if record.path not in now) if before else ()
        # Half a model is nobody's source: resolved again next time, its files are found by their records.
        self._store.models[plan.name] = Model("", "", (*records, *others))
        self._store.save()

    def _fetch(self, plan: ModelPlan, step: Step) -> Record:
        file = step.file
        name, path, part = f"{plan.name}/{file.path}", self._store.path(plan.name, file.path), self._store.part(file)
        self._meter.begin("fetch", name, file.bytes, file.bytes - part.missing_bytes)
        try:
            fetched = self._copied(part, name, file, path)
            if fetched is None:
                remote = plan.resolved.remote(self._resolver, file)
                fetched = Download(remote, part, name, self._limits, self._watch).run()
            self._done.received += fetched.received
            self._judge(name, part, file, fetched.sha256, fetched.git_sha1)
            if step.wrong:
                # Only now: whoever uses what lies there can do so until the right bytes are here.
                self._done.quarantined.append(f"{self._store.quarantine(path, name, step.found)} ({step.wrong})")
            record = self._store.place(part, plan.name, file, fetched.sha256)
        except StoppedError as stopped:
            raise type(stopped)(f"{name}: {stopped.message}") from stopped
        except HearthError as error:
            if name in error.message or file.origin in error.message:
                raise
            raise HearthError(f"{name}: {error.message}", **error.details) from error
        except OSError as error:
            raise _disk_error(name, part, error) from error
        self._meter.end()
        return record

    def _copied(self, part: Part, name: str, file: File, path: str) -> Fetched | None:
        """The same bytes from another model that has them already: copied and hashed again, not fetched."""
        twin = self._store.twin(file, path)
        if not twin:
            return None
        fetched = Download(FileRemote(twin), part, name, self._limits, self._watch).run()
        if fetched.sha256 == file.sha256:
            return fetched
        # The other one is damaged, which is for verify to find.
        part.close()
        part.forget()
        return None

    def _watch(self, download: Download) -> None:
        self._listen()
        self._meter.show(download.done_bytes, download.note, download.connections)

    def _judge(self, name: str, part: Part, file: File, sha256: str, git_sha1: str) -> None:
        if file.sha256:
            wrong = f"expected sha256 {file.sha256}, found {sha256}" if sha256 != file.sha256 else ""
        elif file.git_sha1:
            wrong = f"expected git blob {file.git_sha1}, found {git_sha1}" if git_sha1 != file.git_sha1 else ""
        else:
            wrong = (
                "expected a GGUF file, which begins with those letters"
                if name.lower().endswith(".gguf") and not is_gguf(part.path)
                else ""
            )
        if not wrong:
            return
        like = looks_like(part.path)
        part.close()
        there = self._store.quarantine(part.path, name, sha256)
        part.forget()
        raise HearthError(
            f"{name}: wrong bytes came from {file.origin}: {wrong}.{like} They are kept in {there}. Run again to fetch it anew; if the same bytes "
            "come again, its origin was changed or the sha256 is wrong: correct the model's sha256 or its source, or look it up again (update).",
            expected=file.sha256 or file.git_sha1,
            found=sha256 if file.sha256 or not file.git_sha1 else git_sha1,
            quarantined=there,
        )


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _disk_error(name: str, part: Part, error: OSError) -> HearthError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = (
            f"{name}: the disk became full while it was fetched ({error.strerror}); {as_decimal_size(part.missing_bytes)} are missing. "
            f"Free at least that much on the file system of {part.path} and run again: what is proven is kept and not fetched again."
        )
        return HearthError(text, missing_bytes=part.missing_bytes)
    where = error.filename or part.path
    return HearthError(
        f"{name}: {where}: {error.strerror or error}. Check the file system and its permissions, and run again."
    )
