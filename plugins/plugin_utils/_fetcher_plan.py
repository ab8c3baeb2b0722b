# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service is told that fetches models on their first request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import FIRST_REQUEST, Engine
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from ansible_collections.hearth.llm.plugins.module_utils._sizes import size_bytes
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records


def fetcher_plan(
    models: Mapping[str, Any],
    lock: Mapping[str, Any],
    *,
    runtime: str,
    directory: str,
    load_timeout_seconds: int | str,
    endpoint: str = "",
    budget: int | str = "",
    loaded_models_max: int | str = 0,
) -> dict[str, Any]:
    described = {name: model for name, model in records(models).items() if model.get("load") == FIRST_REQUEST}
    told, unlocked = {}, []
    for name, model in sorted(described.items()):
        engine = engines().get(model.get("engine", DEFAULT))
        key = _key(model, endpoint)
        if not engine or runtime not in engine.fetched_later or not key:
            # It has its finding already.
            continue
        if key not in lock:
            unlocked.append(name)
        told[identifier(name)] = {
            "source": model["source"],
            "sha256": str(model.get("sha256") or "").lower(),
            "files": list(model.get("files") or []),
            "lock": {key: lock[key]} if key in lock else {},
            "pinned": bool(model.get("pinned", False)),
            **_way(engine, name, model, runtime, directory),
            "load_seconds": float(load_timeout_seconds),
        }
    left = _places(models, runtime, int(loaded_models_max))
    return {
        "models": told,
        "unlocked": unlocked,
        "budget_bytes": _bytes(budget),
        # 0: each has one.
        "places": 0 if left is None else max(1, left),
        "is_crowded": bool(told) and left is not None and left < 1,
    }


def _way(engine: Engine, name: str, model: Mapping[str, Any], runtime: str, directory: str) -> dict[str, Any]:
    """Where it is seen that the engine has the model: processes of its own, or one that serves several and is told whom to load."""
    if runtime == "process":
        numbers = range(1, engine.instances(model)[1] + 1)
        return {"sockets": [engine.socket(name, directory, number) for number in numbers], "routers": [], "section": ""}
    return {
        "sockets": [],
        "routers": engine.addresses(name, model, runtime, directory),
        "section": engine.section(name),
    }


def _places(models: Mapping[str, Any], runtime: str, loaded_models_max: int) -> int | None:
    """What those leave of a router that are always loaded; None where it may load all."""
    if runtime == "process" or loaded_models_max <= 0:
        return None
    always = [
        name
        for name, model in records(models).items()
        if model.get("load", "startup") == "startup"
        and getattr(engines().get(model.get("engine", DEFAULT)), "shared", False)
    ]
    return loaded_models_max - len(always)


def _bytes(budget: int | str) -> int:
    try:
        return size_bytes(budget) if budget != "" else 0
    except ValueError as error:
        raise AnsibleFilterError(
            f"fetcher_disk_budget (hearth_disk_budget): {error}. Write a size such as 40G."
        ) from error


def _key(model: Mapping[str, Any], endpoint: str) -> str:
    try:
        return parse(str(model.get("source", "")), list(model.get("files") or []), endpoint or None).key
    except InputError:
        return ""
