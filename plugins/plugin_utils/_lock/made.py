# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the lock of what all hosts want, and finds what is newer than the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.document import PARTS
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.table import Row, short
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.client import Registry

Lock = Mapping[str, Any]


class Host(NamedTuple):
    """`wanted` is what its description wants; None of one that is not in the run. `packages` is what it says of its packages; None of one that is off."""

    wanted: Mapping[str, Any] | None
    packages: Mapping[str, Mapping[str, str]] | None


class Made(NamedTuple):
    lock: dict[str, Any]
    findings: list[str]
    notes: list[str]
    newer: list[Row]


def made(
    before: Lock,
    hosts: Mapping[str, Host],
    registry: Registry,
    models: Callable[[Iterable[str]], tuple[dict[str, str], list[str]]],
    models_path: str,
) -> Made:
    """`models` says of sources which hashes the file of models gives them, and which ones it does not know."""
    described = [host.wanted for host in hosts.values() if host.wanted is not None]
    # What only hosts want that are left out of this run stays as it was.
    kept = before if len(described) < len(hosts) else {part: {} for part in PARTS}
    result = Made({part: dict(kept[part]) for part in PARTS}, [], [], [])
    for image in sorted({image for wanted in described for image in wanted["images"]}):
        _image(image, before, registry, result)
    for part in ("engines", "python"):
        for name in sorted({name for wanted in described for name in wanted[part]}):
            new = next(wanted[part][name] for wanted in described if name in wanted[part])
            result.lock[part][name] = new
            _compare(part, name, before[part].get(name), new, result)
    hashes, unknown = models({source for wanted in described for source in wanted["sources"]})
    result.lock["models"].update(hashes)
    result.findings.extend(
        f"{source} is not in {models_path}, where commits and hashes of models stand: run fetch_models.yml with hearth_locked set to false, and this again."
        for source in unknown
    )
    result.lock["hosts"] = {}
    for name, host in sorted(hosts.items()):
        _host(name, host, before["hosts"].get(name), result)
    return result


def _image(image: str, before: Lock, registry: Registry, result: Made) -> None:
    old = before["images"].get(image)
    try:
        # What has not moved is not asked for again: registries count what is taken, and not what is looked at.
        if old and registry.digest(image) == old["digest"]:
            result.lock["images"][image] = old
            return
        new = registry.image(image)._asdict()
    except HearthError as error:
        result.findings.append(error.message)
        if old:
            result.lock["images"][image] = old
        return
    result.lock["images"][image] = new
    if old != new:
        was = old or {"digest": "", "created": ""}
        result.newer.append(
            Row("image", image, short(was["digest"]), was["created"], short(new["digest"]), new["created"])
        )


def _compare(part: str, name: str, old: Any, new: Any, result: Made) -> None:
    if old != new:
        result.newer.append(
            Row({"engines": "engine", "python": "python"}[part], name, _words(old), "", _words(new), "")
        )


def _words(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return f"{entry['options']} {short(entry['sha256'])}" if entry.get("options") else "asked of the build itself"
    return short(entry or "")


def _host(name: str, host: Host, old: Any, result: Made) -> None:
    if host.wanted is not None and not host.wanted["packages"]:
        return
    if host.packages is None:
        why = "is not in this run" if host.wanted is None else "does not answer"
        if old is not None:
            result.lock["hosts"][name] = old
        known = (
            "what is known of its packages stays as it was"
            if old is not None
            else "nothing is known of its packages yet"
        )
        result.notes.append(f"{name} {why}: {known}.")
        return
    installed, newest = host.packages["installed"], host.packages["candidates"]
    result.lock["hosts"][name] = {"packages": {**newest, **installed}}
    locked = (old or {}).get("packages") or {}
    for package in sorted({**newest, **installed}):
        new = newest.get(package) or installed[package]
        if locked.get(package) != new:
            result.newer.append(Row("package", f"{package} on {name}", locked.get(package, ""), "", new, ""))
