# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks what, and when: a profile as parts that come one after the other. The same profile gives the same plan. PRIVATE to the collection.

Every user draws from a generator of its own, so that the time that one's answers take changes nothing for the others.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable, Iterator

from ansible_collections.hearth.llm.plugins.module_utils._load.profile import CLOSED, OPEN, SERIAL, Pause
from ansible_collections.hearth.llm.plugins.module_utils._load.prompts import Prompt
from ansible_collections.hearth.llm.plugins.module_utils._load.records import WARM_UP

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._load.profile import Profile

COLD, WARM = "cold", "warm"
_READY = Prompt("Say in one short sentence that you are ready.")


@dataclass(frozen=True)
class Ask:
    """One request. `after` is how long its user thinks before it; `at`, in an open loop, when it is due, of the part's own time."""

    n: int
    series: str
    user: int
    model: str
    workspace: str | None
    prompt: Prompt
    after: float = 0.0
    at: float | None = None
    # What makes its text new to a cache; several may share one.
    mark: str = ""

    @property
    def text(self) -> str:
        return f"[{self.mark}]\n{self.prompt.text}" if self.mark else self.prompt.text


@dataclass(frozen=True)
class Part:
    """Users that ask at the same time, or a schedule. Each call of `users` begins anew."""

    series: str
    planned: int
    users: tuple[Callable[[], Iterator[Ask]], ...] = ()
    schedule: Callable[[], Iterator[Ask]] | None = None
    seconds: float = float("inf")
    # Whether the run may end with it, when it breaks what was promised.
    judged: bool = False


@dataclass(frozen=True)
class Plan:
    profile: Profile
    parts: tuple[Part, ...]

    @property
    def planned(self) -> int:
        return sum(part.planned for part in self.parts)


def make(profile: Profile, run_mark: str) -> Plan:
    """`run_mark` is new with each run: what a cache kept of the last one is no answer to this one."""
    parts = [_warm_up(profile)] if profile.warm_up else []
    if profile.kind == OPEN:
        parts.append(_open(profile, run_mark))
    elif profile.kind == SERIAL:
        parts.append(_serial(profile, run_mark))
    elif profile.kind == CLOSED:
        parts.append(_closed(profile, run_mark, "users", profile.users, float("inf")))
    else:
        parts += [
            _closed(profile, run_mark, f"concurrency {step}", step, profile.step_seconds, judged=True)
            for step in profile.steps
        ]
    numbered, first = [], 0
    for part in parts:
        numbered.append(_numbered(part, first))
        first += part.planned
    return Plan(profile, tuple(numbered))


def pauses(pause: Pause, chance: random.Random) -> Iterator[float]:
    """Think times. What is drawn outside of the bounds is moved to the nearest one, as the mean is meant before that."""
    while True:
        if pause.distribution == "exponential" and pause.mean > 0:
            drawn = chance.expovariate(1 / pause.mean)
        elif pause.distribution == "uniform":
            drawn = chance.uniform(pause.least, pause.most)
        else:
            drawn = pause.mean
        yield min(max(drawn, pause.least), pause.most)


def arrivals(profile: Profile) -> Iterator[float]:
    """When requests of an open loop are due, until a bound."""
    chance = random.Random(f"{profile.seed}/arrivals")
    at = 0.0
    for number in range(profile.requests):
        if profile.arrivals == "even":
            at = number / profile.rate
        else:
            at += chance.expovariate(profile.rate)
        if at >= profile.seconds:
            return
        yield at


def _numbered(part: Part, first: int) -> Part:
    if not first:
        return part

    def later(asks: Callable[[], Iterator[Ask]]) -> Callable[[], Iterator[Ask]]:
        return lambda: (replace(ask, n=ask.n + first) for ask in asks())

    return replace(
        part,
        users=tuple(later(user) for user in part.users),
        schedule=later(part.schedule) if part.schedule else None,
    )


def _warm_up(profile: Profile) -> Part:
    """Each model, or workspace, some times: it is loaded then, and nothing of the prompts is in its cache."""
    whom = list(dict.fromkeys(_whom(profile, prompt, turn) for prompt, turn in _every_pair(profile)))

    def asks() -> Iterator[Ask]:
        for n, (_time, (model, workspace)) in enumerate(itertools.product(range(profile.warm_up), whom)):
            yield Ask(n, WARM_UP, 0, model, workspace, _READY)

    return Part(WARM_UP, profile.warm_up * len(whom), (asks,))


def _every_pair(profile: Profile) -> Iterator[tuple[Prompt, int]]:
    turns = max(len(profile.models), len(profile.workspaces), 1)
    named: dict[tuple[str | None, str | None], Prompt] = {}
    for prompt in profile.prompts.items:
        named.setdefault((prompt.model, prompt.workspace), prompt)
    yield from ((prompt, turn) for prompt in named.values() for turn in range(turns))


def _closed(profile: Profile, run_mark: str, series: str, users: int, seconds: float, *, judged: bool = False) -> Part:
    items = profile.prompts.items
    dealt = [len(items[user::users]) for user in range(users)]
    counts = [
        min(profile.requests, dealt[user]) if profile.order == "once" else profile.requests for user in range(users)
    ]

    def asks_of(user: int) -> Callable[[], Iterator[Ask]]:
        def asks() -> Iterator[Ask]:
            chance = random.Random(f"{profile.seed}/{series}/{user}")
            thinking = pauses(profile.pause, chance)
            for turn in range(counts[user]):
                place = turn * users + user
                prompt = chance.choice(items) if profile.order == "random" else items[place % len(items)]
                model, workspace = _whom(profile, prompt, place // len(items) + place)
                after = next(thinking, 0.0)
                if not turn:
                    # Otherwise all of them would ask at the same moment.
                    after = chance.uniform(0, after)
                mark = f"{run_mark}-{series}-{user}-{turn}" if profile.fresh else ""
                yield Ask(place, series, user, model, workspace, prompt, after, None, mark)

        return asks

    # Numbers are those of the user who asks most, so that each has its own.
    planned = sum(counts)
    return Part(series, planned, tuple(asks_of(user) for user in range(users)), None, seconds, judged)


def _open(profile: Profile, run_mark: str) -> Part:
    items = profile.prompts.items

    def asks() -> Iterator[Ask]:
        chance = random.Random(f"{profile.seed}/prompts")
        for n, at in enumerate(arrivals(profile)):
            if profile.order == "once" and n >= len(items):
                return
            prompt = chance.choice(items) if profile.order == "random" else items[n % len(items)]
            model, workspace = _whom(profile, prompt, n // len(items) + n)
            mark = f"{run_mark}-{n}" if profile.fresh else ""
            yield Ask(n, "open", n % profile.users, model, workspace, prompt, 0.0, at, mark)

    return Part("open", sum(1 for _ask in asks()), (), asks)


def _serial(profile: Profile, run_mark: str) -> Part:
    """Each prompt to each model, several times in a row: nothing can know the first one, and the others may be known."""
    turns = max(1, len(profile.workspaces) or len(profile.models))
    pairs = []
    for turn in range(turns):
        for number, prompt in enumerate(profile.prompts.items):
            if not turn or not (prompt.workspace or prompt.model):
                pairs.append((number, prompt, _whom(profile, prompt, turn)))

    def asks() -> Iterator[Ask]:
        thinking = pauses(profile.pause, random.Random(f"{profile.seed}/serial"))
        n = 0
        for pair, (_number, prompt, (model, workspace)) in enumerate(pairs):
            for time in range(profile.requests):
                after = next(thinking, 0.0) if n else 0.0
                series = WARM if time else COLD
                yield Ask(n, series, 0, model, workspace, prompt, after, None, f"{run_mark}-{pair}")
                n += 1

    return Part("serial", len(pairs) * profile.requests, (asks,))


def _whom(profile: Profile, prompt: Prompt, turn: int) -> tuple[str, str | None]:
    """The model, and the workspace: the prompt's own, or the next in turn."""
    workspace = prompt.workspace
    if workspace is None and profile.workspaces and not prompt.model:
        slugs = list(profile.workspaces)
        workspace = slugs[turn % len(slugs)]
    if prompt.model:
        return prompt.model, workspace
    if workspace is not None:
        return profile.workspaces.get(workspace) or (workspace if workspace in profile.models else ""), workspace
    return (profile.models[turn % len(profile.models)] if profile.models else ""), None
