# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes room within the budget: the models that were asked least recently give way, one that is in use when it has answered, one that is pinned never."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Callable, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import exclusive
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import File
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.engine import engine_of
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.leaving import Drain, Leaving
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size

LOOK_SECONDS = 0.1


class NoRoomError(HearthError):
    """The budget has no room, whatever gives way."""


def disk_bytes(directory: str) -> int:
    """What everything below it takes on the disk."""
    taken = 0
    for where, _directories, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                taken += os.lstat(os.path.join(where, name)).st_blocks * 512
    return taken


class Room:
    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving

    def make(
        self, described: Described, model: Model, files: Sequence[File], needed: int, watch: Callable[[str], None]
    ) -> None:
        """Returns when `needed` bytes more fit. `watch` is told what is waited for, and raises when it is to stop."""
        with Drain(self._leaving) as drain:
            while described.budget_bytes and needed:
                store = Store(described.directory)
                taken = disk_bytes(described.directory)
                if taken + needed <= described.budget_bytes:
                    return
                victims = self._victims(described, model, store)
                self._check(described, model, needed, taken - _bytes_of_others(store, files, victims))
                watch(
                    f"it waits until {as_decimal_size(taken + needed - described.budget_bytes)} of the budget are free"
                )
                if _other_parts(store, files):
                    with exclusive(store.lock, 0):
                        store.forget_parts(keep=files)
                    continue
                gone = drain.ready(victims)
                if gone:
                    leaves = engine_of(described, described.models[gone])
                    # Where another run has the directory, the model stays, and so does its place.
                    with exclusive(store.lock, 0):
                        leaves.unload()
                        Store(described.directory).drop(gone)
                    drain.gone()
                    leaves.wait_until_gone()
                else:
                    time.sleep(LOOK_SECONDS)

    def _victims(self, described: Described, model: Model, store: Store) -> list[str]:
        """Who may give way, first the one that goes first."""
        names = [
            name
            for name, one in described.models.items()
            if name != model.name and not one.pinned and name in store.models and _bytes(store, name)
        ]
        return self._leaving.first_of(names)

    @staticmethod
    def _check(described: Described, model: Model, needed: int, lasting: int) -> None:
        """Before anybody gives way in vain."""
        if lasting + needed > described.budget_bytes:
            raise NoRoomError(
                f"{model.name} needs {as_decimal_size(needed)}, hearth_disk_budget is {as_decimal_size(described.budget_bytes)}, and what does not give way"
                f" (models that are pinned or loaded otherwise, quarantine, what is here of it) takes {as_decimal_size(max(lasting, 0))}."
                " Raise hearth_disk_budget, or take a model away."
            )


def _bytes(store: Store, name: str) -> int:
    sizes = 0
    for relative in store.current_files(name):
        with contextlib.suppress(OSError):
            sizes += os.lstat(os.path.join(store.directory, relative)).st_blocks * 512
    return sizes


def _other_parts(store: Store, files: Sequence[File]) -> list[str]:
    """What was begun, of others: it gives way before models that can answer."""
    own = {store.part(file).path for file in files}
    try:
        there = [os.path.join(store.partial, name) for name in os.listdir(store.partial) if name.endswith(".part")]
    except FileNotFoundError:
        return []
    return [path for path in there if path not in own]


def _bytes_of_others(store: Store, files: Sequence[File], victims: Sequence[str]) -> int:
    """What may give way."""
    taken = sum(_bytes(store, name) for name in victims)
    for path in _other_parts(store, files):
        with contextlib.suppress(OSError):
            taken += os.lstat(path).st_blocks * 512
    return taken
