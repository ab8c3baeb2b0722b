# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a place in a router, which has room for some of its models. It would unload the one that was asked least recently by itself, in the middle of an
answer: so nobody is told to load a model before another one has ended."""

from __future__ import annotations

import time
from typing import Callable

from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.engine import Router, engine_of
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.leaving import Drain, Leaving

LOOK_SECONDS = 0.05


class Places:
    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving

    def make(self, described: Described, model: Model, watch: Callable[[str], None]) -> None:
        """Returns when the model may be loaded. `watch` is told what is waited for, and raises when it is to stop."""
        if not model.routers or not described.places:
            return
        with Drain(self._leaving) as drain:
            while True:
                loaded = self._leaving.loaded()
                seated = [
                    name
                    for name, one in described.models.items()
                    if name in loaded and one.routers and name != model.name
                ]
                if len(seated) < described.places:
                    break
                watch("all places of its engine are taken by models that answer")
                gone = drain.ready(self._leaving.first_of(seated))
                if gone:
                    engine_of(described, described.models[gone]).unload()
                    drain.gone()
                else:
                    time.sleep(LOOK_SECONDS)
        self._unload_strays(described, model, watch)

    def trim(self, described: Described) -> None:
        """Marks beyond the places, where these have become fewer."""
        seated = [name for name, one in described.models.items() if one.routers and name in self._leaving.present]
        if described.places:
            for name in self._leaving.first_of(seated)[: max(0, len(seated) - described.places)]:
                self._leaving.present.remove(name)

    def _unload_strays(self, described: Described, model: Model, watch: Callable[[str], None]) -> None:
        """Who has a place and no mark, because somebody was killed between the two. It may answer still what it was asked before that."""
        engine, since = engine_of(described, model), time.monotonic()
        if isinstance(engine, Router):
            running, loaded = engine.running(), self._leaving.loaded()
            for name, one in described.models.items():
                if one.section in running and name not in loaded and name != model.name:
                    while not self._leaving.usage.is_idle_since(name, since):
                        watch("a place of its engine is taken by a model that answers")
                        time.sleep(LOOK_SECONDS)
                    engine_of(described, one).unload()
