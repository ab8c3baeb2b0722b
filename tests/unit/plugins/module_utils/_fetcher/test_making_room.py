# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gives way, and when, where things happen at the same moment or after a kill."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch import store
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import BusyError, exclusive
from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import Plan
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Model as Stored
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Record, Store
from ansible_collections.hearth.llm.plugins.module_utils._fetcher import places, room, work
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.engine import Router
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.jobs import LONGEST_PAUSE_SECONDS, Job
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.leaving import Drain, Leaving
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.present import Present
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.usage import Usage
from integration.model_play import until

BUDGET = 10000


def model(name: str, *routers: str) -> Model:
    return Model(name, f"hf://o/{name}/model.gguf", "", (), {}, False, (), routers, name, 5.0)


def described(directory: Path, *models: Model, places: int = 0, budget: int = 0) -> Described:
    return Described(
        {one.name: one for one in models}, str(directory / "models"), "", "", "", "", "", "", places, budget
    )


class Host:
    """Who is at work, by what a gateway says."""

    def __init__(self, directory: Path, *marks: str) -> None:
        self.present = Present(str(directory / "present"))
        self.usage = Usage(self.present.used)
        self.leaving = Leaving(self.present, self.usage)
        for mark in marks:
            self.present.restore(mark)

    def report(self, *, gateway: str = "1", moment: float | None = None, **under_way: int) -> None:
        now = time.monotonic() if moment is None else moment
        self.usage.report(gateway, now, {name: (count, -1) for name, count in under_way.items()})


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path, "a", "b")


def test_what_a_gateway_counted_before_a_mark_went_says_nothing_about_who_came_since(host: Host) -> None:
    counted = time.monotonic()
    with Drain(host.leaving) as drain:
        host.report(a=0)
        assert drain.ready(["a"]) == ""
        # It was counted before, and arrives late.
        host.report(a=0, moment=counted)
        assert drain.ready(["a"]) == ""
        host.report(a=0)
        assert drain.ready(["a"]) == "a"


def test_who_answers_does_not_change_with_another_who_does_and_gives_way_to_one_who_does_not(host: Host) -> None:
    with Drain(host.leaving) as drain:
        for _turn in range(3):
            # The process that a reload has left, and the new one.
            host.report(gateway="1", a=1)
            drain.ready(host.leaving.first_of(["a", "b"]))
            host.report(gateway="2", b=1)
            drain.ready(host.leaving.first_of(["a", "b"]))
            assert host.present.names() == ["a"], "b takes no requests until it goes"
        host.report(gateway="1", a=0)
        drain.ready(host.leaving.first_of(["a", "b"]))
        assert host.present.names() == ["b"]
    assert sorted(host.present.names()) == ["a", "b"]


class Told(Router):
    """A router that has loaded these."""

    running_sections: ClassVar[set[str]] = set()
    unloaded: ClassVar[list[str]] = []

    def running(self) -> set[str]:
        return self.running_sections

    def unload(self) -> None:
        self.unloaded.append(self._section)


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> type[Told]:
    monkeypatch.setattr(Told, "unloaded", [])

    def engine_of(_described: Described, one: Model) -> Told:
        return Told(["router"], "key", one.name)

    monkeypatch.setattr(places, "engine_of", engine_of)
    monkeypatch.setattr(room, "engine_of", engine_of)
    return Told


def test_one_that_lost_its_mark_by_a_kill_answers_before_it_is_unloaded(
    tmp_path: Path, host: Host, router: type[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "running_sections", {"a", "stray"})
    told = described(tmp_path, model("a", "r"), model("stray", "r"), model("new", "r"), places=3)
    watched: list[str] = []

    def watch(why: str) -> None:
        assert router.unloaded == []
        watched.append(why)
        host.report(stray=0 if len(watched) > 2 else 1)

    host.report(stray=1)
    places.Places(host.leaving).make(told, told.models["new"], watch)
    assert (len(watched), router.unloaded) == (3, ["stray"])


def store_of(tmp_path: Path, *names: str) -> Store:
    made = Store(str(tmp_path / "models"))
    made.make_directory(made.partial)
    for name in names:
        path = Path(made.path(name, "model.gguf"))
        path.parent.mkdir()
        path.write_bytes(b"x" * 8000)
        made.models[name] = Stored("", "", (Record("model.gguf", "", 8000, "0" * 64, path.stat().st_mtime_ns),))
    made.save()
    return made


def test_a_model_stays_in_its_place_while_another_run_has_the_directory(
    tmp_path: Path, host: Host, router: type[Told]
) -> None:
    told = described(tmp_path, model("a", "r"), model("new", "r"), budget=BUDGET * 2)
    records = store_of(tmp_path, "a")

    def watch(_why: str) -> None:
        host.report(a=0)

    with exclusive(records.lock, 0), pytest.raises(BusyError):
        room.Room(host.leaving).make(told, told.models["new"], [], BUDGET, watch)
    assert (router.unloaded, "a" in host.present) == ([], True)
    room.Room(host.leaving).make(told, told.models["new"], [], BUDGET, watch)
    assert (router.unloaded, "a" in host.present, (tmp_path / "models/a").exists()) == (["a"], False, False)


def test_a_model_that_goes_in_the_moment_in_which_it_has_come_ends_nobody(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, then = described(tmp_path, model("new"), model("other")), described(tmp_path, model("other"))
    records = store_of(tmp_path)
    service = work.Work(now, host.present, host.usage, lambda _text: None)

    def look(_described: Described, one: Model) -> tuple[Store, Plan]:
        if one.name == "new":
            # It is here: nothing is asked any more before it is loaded.
            service.describe(then)
        return records, Plan()

    monkeypatch.setattr(work, "look", look)
    monkeypatch.setattr(work, "is_there", lambda *_arguments: True)
    lines = [threading.Thread(target=line, daemon=True) for line in (service.fetch, service.load)]
    for line in lines:
        line.start()
    service.want("new")
    service.want("other")
    until(lambda: "other" in host.present, "the other one comes", 5)
    assert all(line.is_alive() for line in lines)
    assert service.tell("new") is None
    service.stop()
    for line in lines:
        line.join(5)


def test_the_records_are_read_once_for_all_models(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_json(path: str) -> dict[str, object]:
        read.append(path)
        return {}

    monkeypatch.setattr(store, "read_json", read_json)
    names = ("a", "b", "c", "d")
    service = work.Work(described(tmp_path, *map(model, names)), host.present, host.usage, lambda _text: None)
    read.clear()
    assert [told["name"] for told in service.tell_all()] == [*names]
    assert len(read) == 1


def test_a_model_that_fails_for_days_is_tried_again_and_the_pause_stays() -> None:
    job = Job(failures=5000)
    job.fail(HearthError("no"))
    assert LONGEST_PAUSE_SECONDS - 5 < job.told("a")["retry_seconds"] <= LONGEST_PAUSE_SECONDS
