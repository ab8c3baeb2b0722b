# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run from what is wished to what lies there: as the module `model` does it, and the service that fetches a model on its first request."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.apply import Applier, Done, check_room, planned_bytes
from ansible_collections.hearth.llm.plugins.module_utils._fetch.download import Limits
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import exclusive
from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import DEFAULT_ENDPOINT, Hub
from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import Plan, Planner
from ansible_collections.hearth.llm.plugins.module_utils._fetch.progress import Meter
from ansible_collections.hearth.llm.plugins.module_utils._fetch.report import diff, locks, report
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolved, Resolver, Wish
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import FORMS, parse
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store, account
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond
from ansible_collections.hearth.llm.plugins.module_utils._served_names import RULE, identifier, is_served_name

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Result:
    changed: bool
    models: dict[str, Any]
    planned_bytes: int
    fetched_bytes: int
    removed: list[str]
    quarantined: list[str]
    lock: dict[str, Any]
    diff: dict[str, str]


def wishes(models: list[dict[str, Any]], endpoint: str) -> list[Wish]:
    """The option models, checked as far as that needs neither disk nor network."""
    wanted: list[Wish] = []
    for model in models:
        name, text, sha256 = model["name"], model["source"], (model["sha256"] or "").lower()
        if not is_served_name(name):
            raise InputError(f"models: {name!r} is no name of a model: {RULE}.")
        if any(identifier(name) == other.name for other in wanted):
            raise InputError(
                f"models: the directory of {name!r} is another model's, too. Give each model a name of its own."
            )
        if sha256 and not _SHA256.match(sha256):
            raise InputError(f"models: the sha256 of {name} is not one: {sha256!r}. It has 64 hexadecimal digits.")
        present, later = model["state"] != "absent", model["state"] == "later"
        if present and not text:
            raise InputError(f"models: {name} has no source. Write {FORMS}.")
        wanted.append(Wish(identifier(name), parse(text, model["files"], endpoint) if present else None, sha256, later))
    return wanted


def check_numbers(params: Mapping[str, Any]) -> None:
    for name, least, most in (
        ("connections", 1, 64),
        ("removal_percent_max", 0, 100),
        ("retries", 0, 100),
        ("stall_seconds", 1, 3600),
        ("reserve_bytes", 0, 1 << 62),
    ):
        if not least <= params[name] <= most:
            raise InputError(f"{name}: {params[name]} is out of range. Give a number from {least} to {most}.")
    if not params["directory"].startswith("/"):
        raise InputError(f"directory: {params['directory']!r} is not an absolute path.")


def check_removals(store: Store, wanted: list[Wish], percent_max: int) -> None:
    """By their names alone, so that it is known before anybody is asked what a source means."""
    there = {path.split("/", 1)[0] for path in store.our_files()}
    going = there - {wish.name for wish in wanted}
    # What is told to go goes anyway, and is no mistake.
    staying = {wish.name for wish in wanted if not wish.absent}
    refuse_beyond(
        f"models of {store.directory}",
        going,
        len(going | staying),
        percent_max,
        "set removal_percent_max to 100 (with the playbooks: hearth_accept_removals: [models])",
        stays=len(there & staying),
    )


def check_hashes(wish: Wish, resolved: Resolved) -> None:
    """What is fetched by nobody's hand has to be known before."""
    source = resolved.source
    if source.kind == "file":
        raise InputError(
            f"models: {source.key} lies on the host, and there is nothing to fetch later. Let it be present."
        )
    bare = [file.origin for file in resolved.files if not file.sha256]
    if bare:
        raise InputError(
            f"models: {wish.name} is to be fetched later, and nobody knows the sha256 of {', '.join(bare[:3])} before that. Give the model's sha256,"
            " or fetch it at once."
        )


def run(
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    listen: Callable[[], None],
    metered: Callable[[str], Meter] = Meter,
) -> Result:
    r"""Plans, and (outside check mode) applies while holding the directory's lock. `listen` raises when the run is to stop."""
    check_numbers(params)
    wanted = wishes(params["models"], _endpoint(params))
    owners = account(params["owner"], params["group"])
    if check_mode:
        return _run(params, wanted, Store(params["directory"], *owners), Meter(None), listen, check_mode=True)
    store = Store(params["directory"], *owners)
    store.make_directory(store.state)
    with exclusive(store.lock, params["wait_seconds"]):
        # What was read before the lock was ours may be old.
        store = Store(params["directory"], *owners)
        meter = metered(store.progress)
        try:
            return _run(params, wanted, store, meter, listen, check_mode=False)
        finally:
            meter.close()


def _run(
    params: Mapping[str, Any],
    wanted: list[Wish],
    store: Store,
    meter: Meter,
    listen: Callable[[], None],
    *,
    check_mode: bool,
) -> Result:
    def reading(name: str, size: int) -> Callable[[int], None]:
        meter.begin("verify", name, size, 0)

        def watch(count: int) -> None:
            listen()
            meter.advance(count)

        return watch

    if params["prune"]:
        check_removals(store, wanted, params["removal_percent_max"])
    client = Client(
        ca_path=params["ca_path"], read_seconds=params["stall_seconds"], attempts=1 + min(params["retries"], 4)
    )
    hub = Hub(client, _endpoint(params), params["token"] or os.environ.get("HF_TOKEN"))
    with client:
        resolver = Resolver(
            client,
            hub,
            store,
            params["lock"],
            update=params["update"],
            allow_http=params["allow_http"],
            reading=reading,
        )
        resolved = [(wish.name, resolver.resolve(wish)) for wish in wanted if not wish.absent]
        for wish, (_name, what) in zip((wish for wish in wanted if not wish.absent), resolved):
            if wish.later:
                check_hashes(wish, what)
        plan = Planner(store, verify_full=params["verify"] == "full", reading=reading).plan(
            resolved, wanted, params["prune"]
        )
        planned = planned_bytes(store, plan)
        check_room(store, plan, params["reserve_bytes"])
        before_and_after = diff(store, plan)
        done = Done()
        if not check_mode:
            limits = Limits(connections=params["connections"], retries=params["retries"])
            done = Applier(store, resolver, limits, meter, listen).apply(plan)
        names = {identifier(model["name"]): model["name"] for model in params["models"]}
        return _result(store, plan, names, planned, done, before_and_after)


def _endpoint(params: Mapping[str, Any]) -> str:
    return str(params["endpoint"] or os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT)


def _result(
    store: Store, plan: Plan, names: Mapping[str, str], planned: int, done: Done, before_and_after: dict[str, str]
) -> Result:
    return Result(
        changed=plan.changed,
        models={names[directory]: told for directory, told in report(store, plan).items()},
        planned_bytes=planned,
        fetched_bytes=done.received,
        removed=plan.removals,
        quarantined=done.quarantined or plan.wrong,
        lock=locks(store, plan),
        diff=before_and_after,
    )
