# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model after the other: room, bytes, engine. What is under way, and how far, is known to whoever asks."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.apply import planned_bytes
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import BusyError, StoppedError, is_awaited
from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import DEFAULT_ENDPOINT, Hub
from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import Plan, Planner
from ansible_collections.hearth.llm.plugins.module_utils._fetch.progress import Meter
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolver
from ansible_collections.hearth.llm.plugins.module_utils._fetch.run import run, wishes
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._fetcher import engine
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.present import Present
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.room import NoRoomError, Room
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.usage import Usage
from ansible_collections.hearth.llm.plugins.module_utils._http import Client

# After a failure the next request tries again, but not before this, twice as long after each further one.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 300.0
WAIT_SECONDS = 0.2
# As long as nothing is to be done, it is looked whether somebody has taken a model away.
LOOK_SECONDS = 2.0


@dataclass
class Job:
    """How it stands with one model. `reason` is for whoever has asked for it, `why` for whoever runs the host."""

    # absent, waiting, fetching, loading, ready, failed
    state: str = "absent"
    done: int = 0
    total: int = 0
    rate: float = 0.0
    failures: int = 0
    again_at: float = 0.0
    reason: str = ""
    why: str = ""

    def told(self, name: str) -> dict[str, Any]:
        left = (self.total - self.done) / self.rate if self.rate and self.state == "fetching" else None
        return {
            "name": name,
            "state": self.state,
            "done_bytes": self.done,
            "total_bytes": self.total,
            "eta_seconds": None if left is None else round(left),
            "retry_seconds": max(0, round(self.again_at - time.monotonic())) if self.state == "failed" else 0,
            "reason": self.reason,
            "why": self.why,
        }


class GoneError(StoppedError):
    """The model is not described any more."""


class Work:
    def __init__(self, described: Described, present: Present, usage: Usage, say: Callable[[str], None]) -> None:
        self._described, self._present, self._say = described, present, say
        self._room = Room(present, usage)
        self._jobs: dict[str, Job] = {}
        self._queue: list[str] = []
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
            is_due = job.state == "absent" or (job.state == "failed" and time.monotonic() >= job.again_at)
            if name not in self._present and name not in self._queue and (is_due or job.state == "ready"):
                job.state, job.done, job.total, job.rate, job.reason, job.why = "waiting", 0, 0, 0.0, "", ""
                self._queue.append(name)
                self._changed.notify_all()
        return self.tell(name)

    def tell(self, name: str) -> dict[str, Any] | None:
        with self._changed:
            if name not in self._described.models:
                return None
            job = self._jobs.get(name, Job())
            if name in self._present:
                job = Job("ready")
            elif job.state == "ready":
                job = Job("absent")
            return job.told(name)

    def tell_all(self) -> list[dict[str, Any]]:
        told = [self.tell(name) for name in sorted(self._described.models)]
        return [one for one in told if one]

    def knows(self, name: str) -> bool:
        return name in self._described.models

    def describe(self, described: Described) -> None:
        """What is described now. A fetch that is not wanted any more ends."""
        with self._changed:
            self._described = described
            self._queue = [name for name in self._queue if name in described.models]
            self._jobs = {name: job for name, job in self._jobs.items() if name in described.models}
            self._changed.notify_all()
        self._forget_strangers()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    # -- one after the other

    def work(self) -> None:
        """Until it is stopped."""
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._queue or self._stopping, LOOK_SECONDS):
                    self._forget_gone()
                    continue
                if self._stopping:
                    return
                name = self._queue[0]
                described, job = self._described, self._jobs[name]
            try:
                self._bring(described, described.models[name], job)
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
                self._fail(name, job, error)
            with self._changed:
                self._queue = [other for other in self._queue if other != name]

    def _bring(self, described: Described, model: Model, job: Job) -> None:
        store, plan = look(described, model)
        needed, files = planned_bytes(store, plan), [step.file for _model, step in plan.fetches()]

        def watch(why: str) -> None:
            job.state, job.why = "waiting", why
            self._check(model)

        if files:
            self._room.make(described, model, files, needed, watch)
            self._fetch(described, model, job)
        job.state, job.why = "loading", ""
        self._wait_for_engine(model)
        # Whoever has taken it away meanwhile would not see the mark.
        self._check(model)
        self._present.add(model.name)
        job.state, job.failures = "ready", 0
        self._say(f"{model.name} is there.")

    def _fetch(self, described: Described, model: Model, job: Job) -> None:
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

    def _wait_for_engine(self, model: Model) -> None:
        end = time.monotonic() + model.load_seconds
        while model.sockets and not engine.is_up(model.sockets[0]):
            self._check(model)
            if time.monotonic() > end:
                raise HearthError(
                    f"{model.name} was fetched, and its engine does not answer after {model.load_seconds:.0f} s. Its log says why."
                )
            time.sleep(engine.LOOK_SECONDS)

    def _check(self, model: Model) -> None:
        if self._stopping:
            raise StoppedError("The service ends.")
        if self._described.models.get(model.name) != model:
            raise GoneError(f"{model.name} is not described any more, or otherwise: it is not fetched any further.")

    def _fail(self, name: str, job: Job, error: Exception) -> None:
        why = error.message if isinstance(error, HearthError) else f"{error}"
        pause = min(FIRST_PAUSE_SECONDS * 2**job.failures, LONGEST_PAUSE_SECONDS)
        job.failures, job.again_at = job.failures + 1, time.monotonic() + pause
        job.reason, job.why, job.state = reason(error), why, "failed"
        self._say(f"{name} was not fetched: {why}")

    def _forget_strangers(self) -> None:
        """Marks of what is not described, or is not there, from before we began or were told anew."""
        for name in self._present.names():
            model = self._described.models.get(name)
            if not model or not is_there(self._described, model):
                self._present.remove(name)

    def _forget_gone(self) -> None:
        """A model that somebody has removed has no engine any more: the next request has it fetched again."""
        store = Store(self._described.directory)
        for name in self._present.names():
            files = store.current_files(name) if name in store.models else []
            if not files or not all(os.path.exists(os.path.join(store.directory, file)) for file in files):
                self._present.remove(name)


def is_there(described: Described, model: Model) -> bool:
    try:
        return not look(described, model)[1].fetches()
    except (HearthError, OSError):
        # Whoever asks for it is told why.
        return False


def look(described: Described, model: Model) -> tuple[Store, Plan]:
    """What of the model is missing. Everything is locked, so that nobody is asked."""
    parameters = described.parameters(model)
    store = Store(described.directory)
    endpoint = described.endpoint or os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT
    wanted = wishes(parameters["models"], endpoint)
    with Client(ca_path=parameters["ca_path"]) as client:
        hub = Hub(client, endpoint, None)
        resolver = Resolver(client, hub, store, model.lock, update=False, allow_http=False, reading=_unseen)
        resolved = [(wish.name, resolver.resolve(wish)) for wish in wanted]
    return store, Planner(store, verify_full=False, reading=_unseen).plan(resolved, wanted, prune=False)


def _unseen(_name: str, _size: int) -> Callable[[int], None]:
    return lambda _count: None


def reason(error: Exception) -> str:
    """In a few words, for whoever asked for the model: nothing of the host, and no address."""
    details = error.details if isinstance(error, HearthError) else {}
    if isinstance(error, NoRoomError):
        return "the disk budget has no room for it"
    if "expected" in details:
        return "other bytes came than those that were locked"
    if "missing_bytes" in details:
        return "the disk is full"
    if "stage" in details or "status" in details:
        return "its origin cannot be reached, or refuses it"
    return "it could not be fetched, or not be loaded"
