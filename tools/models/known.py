# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each model, put together: the description, the lock file, the hosts and the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from ansible_collections.hearth.llm.plugins.plugin_utils._lock_file import LockFile, LockFileError
from ansible_collections.hearth.llm.tools.models.runs import Seen

# How far a model has come. What comes later includes what came before, but for a model that lay on the host already, and is in no lock.
STATES = ("described", "locked", "fetching", "fetched", "served")

Told = Mapping[str, Any]


def of_all(seen: Seen) -> dict[str, Any]:
    """For `list`."""
    locks = {host: _locked(told) for host, told in seen.hosts.items()}
    names = sorted({name for told in seen.hosts.values() for name in told["described"]})
    models = [
        {
            "name": name,
            "hosts": {
                host: _on_host(name, told, locks[host])
                for host, told in seen.hosts.items()
                if name in told["described"]
            },
        }
        for name in names
    ]
    wanted = {key_of(entry) for told in seen.hosts.values() for entry in told["described"].values()}
    locked = {source: entry for lock in locks.values() for source, entry in lock.items()}
    return {
        "models": models,
        "only_locked": [
            {"source": source, **_lock_summary(entry)}
            for source, entry in sorted(locked.items())
            if source not in wanted
        ],
        "only_on_hosts": [
            {"host": host, "name": name, "bytes": model["bytes"]}
            for host, told in seen.hosts.items()
            for name, model in there(told).items()
            if name not in told["described"]
        ],
        "hosts": {host: _host(host, told, seen) for host, told in seen.hosts.items()},
    }


def of_one(name: str, seen: Seen) -> dict[str, Any]:
    """For `show`: everything."""
    hosts = {}
    for host, told in seen.hosts.items():
        if name not in told["described"]:
            continue
        lock = _locked(told)
        entry = told["described"][name]
        locked = lock.get(key_of(entry))
        hosts[host] = {
            **_on_host(name, told, lock),
            "described": entry,
            "locked_files": locked["files"] if locked else [],
            "files": there(told).get(name, {}).get("files", []),
            "plan": planned(told, name),
            "instances": [dict(one) for one in told["planned"] if one["model"] == name and one["name"] != name],
            "url": told["offered"].get("url", "") if _offered(told, name) else "",
        }
    return {"name": name, "hosts": hosts}


def demand(seen: Seen, name: str) -> list[str]:
    """The hosts for which the model is described. Raises where there is none."""
    hosts = [host for host, told in seen.hosts.items() if name in told["described"]]
    if not hosts:
        names = sorted({other for told in seen.hosts.values() for other in told["described"]})
        raise InputError(
            f"{name} is not described: {f'described are {listed(names)}' if names else 'no model is described'}."
        )
    return hosts


def there(told: Told, *names: str) -> dict[str, Any]:
    """What lies on the host, by served name; what nobody describes (and nobody of `names` is) by that of its directory."""
    known_names = {identifier(name): name for name in (*told["described"], *names)}
    return {
        known_names.get(directory, directory): model for directory, model in (told["there"].get("models") or {}).items()
    }


def planned(told: Told, name: str) -> dict[str, Any] | None:
    return next((dict(one) for one in told["planned"] if one["name"] == name), None)


def key_of(entry: Mapping[str, Any]) -> str:
    """How the lock file and the host's records name the source of a described model; empty where it has none that can be read."""
    try:
        return parse(str(entry.get("source") or ""), entry.get("files") or (), endpoint=None).key
    except HearthError:
        return ""


def _on_host(name: str, told: Told, lock: Mapping[str, Any]) -> dict[str, Any]:
    entry = told["described"][name]
    key = key_of(entry)
    here = there(told).get(name) or {}
    fetching = told["there"].get("fetching") or {}
    offered = _offered(told, name)
    fetched = bool(here.get("complete")) and here.get("source") == key
    locked = lock.get(key)
    if offered:
        state = "served"
    elif fetching.get("model") == identifier(name):
        state = "fetching"
    elif fetched:
        state = "fetched"
    else:
        state = "locked" if locked else "described"
    return {
        "state": state,
        "source": key or str(entry.get("path") or ""),
        "engine": entry.get("engine", "llama_cpp"),
        "locked": _lock_summary(locked) if locked else None,
        "bytes_on_host": here.get("bytes", 0),
        "fetched": fetched,
        "fetching": {part: fetching[part] for part in ("file", "what", "bytes", "done", "rate")}
        if fetching.get("model") == identifier(name)
        else None,
        "served": offered,
    }


def _offered(told: Told, name: str) -> bool | None:
    """Whether the gateway offers it; None where that cannot be known."""
    offered = told["offered"]
    if not told["there"].get("models") and "models" not in told["there"]:
        return None
    if not told["deployed"]:
        return False
    shown = offered.get("asked_for")
    if not offered.get("answered") or (shown is not None and name not in shown):
        return None
    return name in offered["models"]


def _host(host: str, told: Told, seen: Seen) -> dict[str, Any]:
    gateway = told["offered"]
    return {
        "reached": "models" in told["there"],
        "reason": seen.unreached.get(host, ""),
        "free_bytes": told["there"].get("free_bytes"),
        "deployed": told["deployed"],
        "gateway": gateway.get("url", ""),
        "gateway_reason": gateway.get("reason", ""),
    }


def _locked(told: Told) -> dict[str, Any]:
    try:
        return LockFile(told["lock_file"]).read()
    except LockFileError as error:
        raise HearthError(str(error)) from error


def _lock_summary(entry: Mapping[str, Any]) -> dict[str, Any]:
    files = entry.get("files") or []
    return {
        "revision": entry.get("revision", ""),
        "files": len(files),
        "bytes": sum(int(file.get("bytes") or 0) for file in files),
    }
