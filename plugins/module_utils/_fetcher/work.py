# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two lines of models, for bytes and for engines, each one after the other: who is there already does not wait for what others fetch. What is under way,
and how far, is known to whoever asks."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.apply import planned_bytes
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import BusyError, StoppedError, is_awaited
from ansible_collections.hearth.llm.plugins.module_utils._fetch.progress import Meter
from ansible_collections.hearth.llm.plugins.module_utils._fetch.run import run
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._fetcher import engine
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.jobs import Job
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.leaving import Leaving
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.looking import have_files, is_there, look
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.places import Places
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.present import Present
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.room import Room
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.usage import Usage

WAIT_SECONDS = 0.2
# As long as nothing is to be done, it is looked whether somebody has taken a model away.
LOOK_SECONDS = 2.0

Step = Callable[[Described, Model, Job], None]


class GoneError(StoppedError):
    """The model is not described any more."""


class Work:
    def __init__(self, described: Described, present: Present, usage: Usage, say: Callable[[str], None]) -> None:
        self._described, self._present, self._say = described, present, say
        self._leaving = Leaving(present, usage)
        self._room, self._places = Room(self._leaving), Places(self._leaving)
        self._jobs: dict[str, Job] = {}
        # Who waits for bytes, and who for an engine.
        self._fetches: list[str] = []
        self._loads: list[str] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._forget_strangers()

    # -- asked by others

    def want(self, name: str) -> dict[str, Any] | None:
        """Begins, where it is not there or under way; None where no such model is described."""
        with self._changed:
            if name not in self._described.models:
                return None
            job = self._jobs.setdefault(name, Job())
            if job.is_due and name not in self._present and name not in (*self._fetches, *self._loads):
                job.begin()
                self._line_up(name, self._loads if have_files(self._described, [name]) else self._fetches)
        return self.tell(name)

    def tell(self, name: str) -> dict[str, Any] | None:
        return next(iter(self._tell([name])), None)

    def tell_all(self) -> list[dict[str, Any]]:
        return self._tell(sorted(self._described.models))

    def _tell(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Of those that are described."""
        with self._changed:
            jobs = {name: self._jobs.get(name, Job()) for name in names if name in self._described.models}
            marked = {name for name in jobs if name in self._present}
            resting = [name for name, job in jobs.items() if name not in marked and job.state in ("absent", "ready")]
            unloaded = have_files(self._described, resting) if resting else set()
            for name in resting:
                jobs[name] = Job("unloaded" if name in unloaded else "absent")
            jobs.update((name, Job("ready")) for name in marked)
            return [job.told(name) for name, job in jobs.items()]

    def knows(self, name: str) -> bool:
        return name in self._described.models

    def describe(self, described: Described) -> None:
        """What is described now. A fetch that is not wanted any more ends."""
        with self._changed:
            self._described = described
            for line in (self._fetches, self._loads):
                for name in set(line) - set(described.models):
                    line.remove(name)
                    self._leaving.let_go(name, self)
            self._jobs = {name: job for name, job in self._jobs.items() if name in described.models}
            self._changed.notify_all()
        self._forget_strangers()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    # -- one after the other

    def fetch(self) -> None:
        """Until it is stopped."""
        self._serve(self._fetches, self._fetch)

    def load(self) -> None:
        """Until it is stopped."""
        self._serve(self._loads, self._load)

    def _line_up(self, name: str, line: list[str]) -> None:
        with self._changed:
            if name not in self._described.models:
                # It was taken out of the description in the moment in which its turn came.
                return
            if name not in line:
                line.append(name)
            if line is self._loads:
                # Whoever makes room on the disk leaves it alone from now on.
                self._leaving.hold(name, self)
            self._changed.notify_all()

    def _serve(self, line: list[str], step: Step) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: line or self._stopping, LOOK_SECONDS):
                    self._forget_gone()
                    continue
                if self._stopping:
                    return
                # What others have a hand on is left to them.
                name = next((name for name in line if self._leaving.hold(name, self)), "")
                described, job = self._described, self._jobs.get(name, Job())
            if not name:
                time.sleep(WAIT_SECONDS)
                continue
            try:
                step(described, described.models[name], job)
            except BusyError as busy:
                job.state, job.why = "waiting", busy.message
                time.sleep(WAIT_SECONDS)
                continue
            except GoneError as gone:
                job.state = "absent"
                self._say(gone.message)
            except StoppedError:
                # Another run goes first, or we end: what has arrived is proven.
                continue
            except (HearthError, OSError) as error:
                job.fail(error)
                self._say(f"{name} does not come: {job.why}")
            with self._changed:
                line[:] = [other for other in line if other != name]
                if name not in self._loads:
                    self._leaving.let_go(name, self)

    def _fetch(self, described: Described, model: Model, job: Job) -> None:
        store, plan = look(described, model)
        needed, files = planned_bytes(store, plan), [step.file for _model, step in plan.fetches()]

        def watch(why: str) -> None:
            job.state, job.why = "waiting", why
            self._check(model)

        if files:
            self._room.make(described, model, files, needed, watch)
            self._bring(described, model, job)
        job.state, job.why = "loading", ""
        self._line_up(model.name, self._loads)

    def _load(self, described: Described, model: Model, job: Job) -> None:
        if not is_there(described, model):
            # It has gone since it was asked for, or never was whole.
            job.state = "waiting"
            self._line_up(model.name, self._fetches)
            return

        def watch(why: str) -> None:
            job.state, job.why = "loading", why
            self._check(model)

        watch("")
        self._places.make(described, model, watch)
        watch("")
        self._wait_for_engine(described, model)
        # Whoever has taken it away meanwhile would not see the mark.
        self._check(model)
        self._present.add(model.name)
        job.state, job.failures = "ready", 0
        self._say(f"{model.name} is there.")

    def _bring(self, described: Described, model: Model, job: Job) -> None:
        class Shown(Meter):
            def _write(self) -> None:
                super()._write()
                job.done, job.total, job.rate = self.done, self.total, self.rate

        store = Store(described.directory)
        lock = store.lock

        def listen() -> None:
            self._check(model)
            if is_awaited(lock):
                raise StoppedError("Another run waits for the directory.")

        # A run of the role has somebody who waits for its end.
        store.make_directory(store.state)
        while is_awaited(lock):
            job.state, job.why = "waiting", "another run goes first"
            self._check(model)
            time.sleep(WAIT_SECONDS)
        job.state, job.why = "fetching", ""
        self._say(f"{model.name} is fetched from {model.source}.")
        run(described.parameters(model), check_mode=False, listen=listen, metered=Shown)

    def _wait_for_engine(self, described: Described, model: Model) -> None:
        end, its = time.monotonic() + model.load_seconds, engine.engine_of(described, model)
        while not its.is_up():
            self._check(model)
            if time.monotonic() > end:
                raise HearthError(
                    f"{model.name} is here, and its engine does not answer after {model.load_seconds:.0f} s. Its log says why."
                )
            time.sleep(engine.LOOK_SECONDS)

    def _check(self, model: Model) -> None:
        if self._stopping:
            raise StoppedError("The service ends.")
        if self._described.models.get(model.name) != model:
            raise GoneError(f"{model.name} is not described any more, or otherwise: it is not fetched any further.")

    def _forget_strangers(self) -> None:
        """Marks of what is not described, or is not there, from before we began or were told anew."""
        for name in self._present.names():
            model = self._described.models.get(name)
            if not model or not is_there(self._described, model):
                self._present.remove(name)
        self._places.trim(self._described)

    def _forget_gone(self) -> None:
        """A model that somebody has removed has no engine any more: the next request has it fetched again."""
        marked = self._present.names()
        for name in set(marked) - have_files(self._described, marked):
            self._present.remove(name)
