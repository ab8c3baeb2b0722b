# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load test from its profile to its raw folder. PRIVATE to the collection."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import resource
import time
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide
from ansible_collections.hearth.llm.plugins.module_utils._load import metrics, plan, profile, prompts, stopping
from ansible_collections.hearth.llm.plugins.module_utils._load.asking import Asker
from ansible_collections.hearth.llm.plugins.module_utils._load.driver import INTERRUPT, Driver
from ansible_collections.hearth.llm.plugins.module_utils._load.records import ENGINES, FORMAT, RUN, RawFolder
from ansible_collections.hearth.llm.plugins.module_utils._load.traces import Traces
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token
from ansible_collections.hearth.llm.plugins.module_utils._url import is_loopback, safe_url

# What a process has open beside its connections.
_OTHER_FILES = 64
THROUGH = ("gateway", "anythingllm")


@dataclass(frozen=True)
class Wanted:
    """What is to be done; the profile as it was given."""

    door: Door
    profile: Mapping[str, Any]
    directory: str
    through: str = "gateway"
    api_key: str | None = None
    key_name: str = ""
    engines: Sequence[Mapping[str, Any]] = ()
    running: Mapping[str, Any] = field(default_factory=dict)
    traces: bool = True


def judged(wanted: Wanted) -> plan.Plan:
    """The plan; InputError while nothing was asked, written or changed."""
    hide(wanted.api_key, *(engine.get("key") for engine in wanted.engines))
    wanted.door.check()
    if wanted.api_key:
        check_token("api_key", wanted.api_key)
        if wanted.door.url.startswith("http:") and not is_loopback(wanted.door.url):
            raise InputError(
                f"api_key would go in clear text to {safe_url(wanted.door.url)}: use https in url, or give no key."
            )
    for number, engine in enumerate(wanted.engines):
        if bool(engine.get("url")) == bool(engine.get("socket")):
            raise InputError(
                f"engines[{engine.get('name') or number}] has {'both' if engine.get('url') else 'neither'} url and socket: give one of them."
            )
    RawFolder(wanted.directory).check()
    planned = plan.make(profile.read(wanted.profile, wanted.through), os.urandom(4).hex())
    most, needed = resource.getrlimit(resource.RLIMIT_NOFILE)[1], _files(planned)
    if most != resource.RLIM_INFINITY and most < needed:
        raise InputError(
            f"profile wants up to {needed} files and connections at the same time, and this user may open {most}: lower users, concurrency or in_flight, or "
            "raise its limit (ulimit -Hn)."
        )
    return planned


def execute(wanted: Wanted, planned: plan.Plan) -> dict[str, Any]:
    """All of it. What was measured is in the folder, however it ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _files(planned):
        resource.setrlimit(resource.RLIMIT_NOFILE, (_files(planned), hard))
    return asyncio.run(_execute(wanted, planned))


async def _execute(wanted: Wanted, planned: plan.Plan) -> dict[str, Any]:
    asker = Asker(wanted.door, planned.profile, wanted.through, wanted.api_key, wanted.key_name, time.monotonic)
    folder = RawFolder(wanted.directory)
    folder.make()
    try:
        driver = Driver(planned, asker, folder)
        begun = datetime.datetime.now(datetime.timezone.utc)
        record = _record(wanted, planned, begun)
        folder.put(RUN, record)
        before, silent = _counted(wanted)
        cpu = time.process_time()
        with contextlib.ExitStack() as around:
            heartbeat = around.enter_context(stopping.heard(driver.interrupt))
            asker.began = time.monotonic()
            if wanted.traces:
                around.enter_context(Traces(folder, asker.now))
            ended_by = await driver.run(heartbeat)
            seconds = driver.seconds
        cpu = time.process_time() - cpu
        # Who was interrupted wants to be gone, and an engine that hangs may be why.
        after, silent_after = _counted(wanted) if ended_by != INTERRUPT else ({}, {})
        folder.put(ENGINES, {"before": before, "after": after, "unread": {**silent, **silent_after}})
        record.update(
            seconds=round(seconds, 3),
            ended_by=ended_by,
            stopped_at=driver.stopped_at,
            driver={"cpu_seconds": round(cpu, 3), **driver.cost()},
        )
        folder.put(RUN, record)
    finally:
        folder.close()
    return {
        "directory": wanted.directory,
        "planned": planned.planned,
        "ended": driver.seen.ended,
        "failed": driver.seen.failed,
        "errors": dict(driver.seen.errors),
        "seconds": record["seconds"],
        "ended_by": ended_by,
        "stopped_at": driver.stopped_at,
        "driver": record["driver"],
        "left_out": list(planned.profile.prompts.left_out),
        "unread": {**silent, **silent_after},
    }


def _files(planned: plan.Plan) -> int:
    """A connection for each request that may be on its way, and others."""
    of_profile = planned.profile
    at_once = of_profile.in_flight if of_profile.kind == profile.OPEN else max(of_profile.users, *of_profile.steps, 1)
    return at_once + _OTHER_FILES


def _counted(wanted: Wanted) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    if not wanted.engines:
        return {}, {}
    with metrics.client_for(wanted.door.ca_file) as client:
        return metrics.of_all(wanted.engines, client)


def _record(wanted: Wanted, planned: plan.Plan, begun: datetime.datetime) -> dict[str, Any]:
    """What is known at the beginning; a run that was killed is one without an end."""
    as_run = {**wanted.profile, "prompts": prompts.described(planned.profile.prompts)}
    return {
        "format": FORMAT,
        "begun": begun.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "seconds": None,
        "ended_by": None,
        "stopped_at": "",
        "url": safe_url(wanted.door.url),
        "through": wanted.through,
        "profile": {**as_run, "seed": planned.profile.seed, "timeout": planned.profile.timeout},
        "planned": planned.planned,
        "from": os.uname().nodename,
        "driver": {},
        "running": dict(wanted.running),
    }
