# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load test is to do, judged before anything is asked. PRIVATE to the collection."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._load import prompts as prompts_of
from ansible_collections.hearth.llm.plugins.module_utils._load.prompts import Prompts

CLOSED, OPEN, SWEEP, SERIAL = KINDS = ("closed", "open", "sweep", "serial")
ARRIVALS = ("poisson", "even")
DISTRIBUTIONS = ("exponential", "uniform", "fixed")
ORDERS = ("in_turn", "random", "once")
TASKS = ("chat", "embedding")
SLA = ("ttft_p95_ms", "itl_p95_ms", "error_rate")
# What a request has of its own; the profile's `body` must not say it otherwise.
OUR_BODY = ("model", "messages", "input", "stream", "stream_options", "max_tokens")
MOST_USERS, MOST_REQUESTS, LONGEST = 2000, 10_000_000, 7 * 86400.0


@dataclass(frozen=True)
class Pause:
    """Think time: seconds between an answer and the next question of the same user."""

    mean: float = 0.0
    least: float = 0.0
    most: float = math.inf
    distribution: str = "fixed"


@dataclass(frozen=True)
class Profile:
    kind: str
    prompts: Prompts
    # Both bounds are always set. Requests are those of each user; of an open loop those of all.
    requests: int
    seconds: float
    name: str = ""
    users: int = 1
    models: tuple[str, ...] = ()
    # Workspace to the model that answers for it, empty where nobody knows.
    workspaces: Mapping[str, str] = field(default_factory=dict)
    rate: float = 0.0
    arrivals: str = "poisson"
    # How many requests of an open loop may be on their way; later ones wait, and their wait counts.
    in_flight: int = 1000
    steps: tuple[int, ...] = ()
    step_seconds: float = math.inf
    # A sweep ends with the first step that breaks one of these.
    until: Mapping[str, float] = field(default_factory=dict)
    pause: Pause = Pause()
    order: str = "in_turn"
    task: str = "chat"
    # Each prompt is made new to any cache of prompts.
    fresh: bool = False
    max_tokens: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 120.0
    # How long what is on its way may take after the last bound; as long as any request where it is not said.
    drain: float = 120.0
    retries: int = 0
    warm_up: int = 0
    seed: int = 1


def read(given: Mapping[str, Any], through: str) -> Profile:
    """The profile, or one InputError with everything that is wrong."""
    reader = _Reader(given)
    kind = reader.choice("kind", KINDS)
    seed = reader.whole("seed", 1, least=0, most=2**63)
    prompts = reader.prompts(seed)
    models, workspaces = reader.names("models"), reader.workspaces()
    users = reader.whole("users", 1, most=MOST_USERS)
    timeout = reader.number("timeout", 120.0, least=0.1, most=LONGEST)
    profile = Profile(
        kind=kind,
        prompts=prompts,
        requests=reader.whole("requests", None, most=MOST_REQUESTS),
        seconds=reader.number("seconds", None, least=0.1, most=LONGEST),
        name=reader.text("name"),
        users=users,
        models=models,
        workspaces=workspaces,
        rate=reader.number("rate", None if kind == OPEN else 0.0, least=0.001 if kind == OPEN else 0.0, most=100_000),
        arrivals=reader.choice("arrivals", ARRIVALS, "poisson"),
        in_flight=reader.whole("in_flight", 1000, most=MOST_USERS),
        steps=reader.steps(kind == SWEEP),
        step_seconds=reader.number("step_seconds", math.inf, least=0.1),
        until=reader.until(),
        pause=reader.pause(),
        order=reader.choice("order", ORDERS, "in_turn"),
        task=reader.choice("task", TASKS, "chat"),
        fresh=reader.flag("fresh"),
        max_tokens=reader.whole("max_tokens", 0, least=0, most=10_000_000) or None,
        body=reader.body(),
        timeout=timeout,
        drain=reader.number("drain", timeout, least=0.0, most=LONGEST),
        retries=reader.whole("retries", 0, least=0, most=10),
        warm_up=reader.whole("warm_up", 0, least=0, most=1000),
        seed=seed,
    )
    reader.unknown()
    reader.findings += _relations(profile, through)
    if reader.findings:
        raise InputError(" ".join(reader.findings))
    return profile


def _relations(profile: Profile, through: str) -> Iterator[str]:
    named = {prompt.workspace for prompt in profile.prompts.items if prompt.workspace}
    if through == "anythingllm":
        if profile.task != "chat":
            yield f"profile.task is {profile.task}, and AnythingLLM answers by chat alone: leave task out."
        if not profile.workspaces and any(not prompt.workspace for prompt in profile.prompts.items):
            yield "profile.workspaces is empty, and prompts name none: write the slugs of the workspaces to ask."
        if profile.body or profile.max_tokens:
            yield "profile.max_tokens and body say nothing to AnythingLLM, whose workspaces have their own settings: leave them out."
        return
    unknown = sorted(name for name in named if not profile.workspaces.get(name) and name not in profile.models)
    if unknown and profile.prompts.items:
        yield (
            f"profile.prompts ask the workspaces {', '.join(unknown)}, and the API knows models: write workspaces with the model of each, or ask through "
            "anythingllm."
        )
    if not profile.models and any(not prompt.model and not prompt.workspace for prompt in profile.prompts.items):
        yield "profile.models is empty, and prompts name none: write the served names of the models to ask."


class _Reader:
    """Reads one key after the other, and notes what is wrong with each."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._known: set[str] = set()
        self.findings: list[str] = []

    def _value(self, name: str) -> Any:
        self._known.add(name)
        return self._given.get(name)

    def _wrong(self, name: str, value: Any, remedy: str) -> None:
        said = "missing" if value is None else repr(value)[:80]
        self.findings.append(f"profile.{name} is {said}: {remedy}.")

    def unknown(self) -> None:
        for name in sorted(set(map(str, self._given)) - self._known):
            self.findings.append(f"profile.{name} is not known: write one of {', '.join(sorted(self._known))}.")

    def text(self, name: str) -> str:
        return str(self._value(name) or "")

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if value not in (None, True, False):
            self._wrong(name, value, "write true or false")
        return value is True

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self._value(name)
        if value is None and default is not None:
            return default
        if value not in choices:
            self._wrong(name, value, f"write {', '.join(choices[:-1])} or {choices[-1]}")
            return default or choices[0]
        return str(value)

    def number(self, name: str, default: float | None, least: float = 0.0, most: float = math.inf) -> float:
        return self._number(name, self._value(name), default, least, most)

    def whole(self, name: str, default: int | None, least: int = 1, most: int = 2**63) -> int:
        value = self._value(name)
        found = self._number(name, value, default, least, most)
        if found != int(found):
            self._wrong(name, value, "write a whole number")
        return int(found)

    def _number(self, name: str, value: Any, default: float | None, least: float, most: float) -> float:
        if value is None and default is not None:
            return default
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            found = math.nan
        if not least <= found <= most or math.isinf(found):
            upper = "" if most > 1e15 else f" to {most:g}"
            self._wrong(name, value, f"write a number from {least:g}{upper}" if upper else f"write at least {least:g}")
            return default if default is not None else least
        return found

    def names(self, name: str) -> tuple[str, ...]:
        value = self._value(name)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item for item in value):
            self._wrong(name, value, "write a list of names")
            return ()
        return tuple(value)

    def workspaces(self) -> dict[str, str]:
        """A list of slugs, or what each is answered by."""
        value = self._value("workspaces")
        if isinstance(value, Mapping):
            return {str(slug): str(model or "") for slug, model in value.items()}
        return dict.fromkeys(self.names("workspaces"), "")

    def prompts(self, seed: int) -> Prompts:
        value = self._value("prompts")
        try:
            found = prompts_of.read("questions" if value is None else value, seed)
        except InputError as error:
            self.findings.append(error.message)
            return Prompts(())
        if not found.items:
            self._wrong("prompts", value, "write at least one")
        return found

    def steps(self, wanted: bool) -> tuple[int, ...]:
        value = self._value("concurrency")
        if not wanted:
            if value is not None:
                self._wrong("concurrency", value, "leave it out, for only a sweep has it; others have users")
            return ()
        found: list[int] = []
        if isinstance(value, Mapping):
            found = self._growing(value)
        elif isinstance(value, (list, tuple)):
            found = [step for step in value if isinstance(step, int) and not isinstance(step, bool)]
            found = found if len(found) == len(value) else []
        if not found or not all(1 <= step <= MOST_USERS for step in found) or found != sorted(set(found)):
            self._wrong(
                "concurrency",
                value,
                f"write a growing list of numbers up to {MOST_USERS}, or start, max and factor or step",
            )
            return (1,)
        return tuple(found)

    def _growing(self, value: Mapping[str, Any]) -> list[int]:
        if set(value) - {"start", "max", "factor", "step"}:
            return []
        step = value.get("step", 0)
        start, most, factor = value.get("start", 1), value.get("max"), value.get("factor", 1 if step else 2)
        given = (start, most, factor, step)
        if not all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in given):
            return []
        found, now = [], float(start)
        if now < 1 or (factor <= 1 and step < 1) or factor < 1 or step < 0:
            return []
        while round(now) <= min(float(most or 0), MOST_USERS):
            found.append(round(now))
            now = max(now * factor + step, round(now) + 1)
        return found

    def until(self) -> dict[str, float]:
        value = self._value("until")
        if value is None:
            return {}
        if not isinstance(value, Mapping) or set(value) - set(SLA):
            self._wrong("until", value, f"write some of {', '.join(SLA)}")
            return {}
        return {name: self._number(f"until.{name}", limit, None, 0.0, math.inf) for name, limit in value.items()}

    def pause(self) -> Pause:
        value = self._value("pause")
        if value is None:
            return Pause()
        if not isinstance(value, Mapping):
            seconds = self._number("pause", value, None, 0.0, LONGEST)
            return Pause(seconds, seconds, seconds)
        for name in set(value) - {"mean", "min", "max", "distribution"}:
            self._wrong(f"pause.{name}", value[name], "write mean, min, max and distribution alone")
        distribution = value.get("distribution", "exponential")
        if distribution not in DISTRIBUTIONS:
            self._wrong("pause.distribution", distribution, f"write {', '.join(DISTRIBUTIONS)}")
        least = self._number("pause.min", value.get("min"), 0.0, 0.0, LONGEST)
        most = self._number("pause.max", value.get("max"), LONGEST, 0.0, LONGEST)
        middle = (least + most) / 2 if distribution == "uniform" else None
        mean = self._number("pause.mean", value.get("mean"), middle, 0.0, LONGEST)
        if least > most:
            self._wrong("pause.min", least, f"write at most max, which is {most:g}")
        return Pause(mean, least, most, str(distribution))

    def body(self) -> dict[str, Any]:
        value = self._value("body")
        if value is None:
            return {}
        if not isinstance(value, Mapping) or set(value) & set(OUR_BODY):
            self._wrong("body", value, f"write further keys of a request, and none of {', '.join(OUR_BODY)}")
            return {}
        return {str(name): item for name, item in value.items()}
