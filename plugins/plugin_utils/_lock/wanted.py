# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's description wants, which is what has to be locked. Nothing is asked for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_option_lists import build_of, path_of
from ansible_collections.hearth.llm.plugins.plugin_utils._lock_file import LockFile, LockFileError
from ansible_collections.hearth.llm.plugins.plugin_utils._placement import models_on
from ansible_collections.hearth.llm.plugins.plugin_utils._role_judgements import Judges
from ansible_collections.hearth.llm.plugins.plugin_utils._role_variables import ROLES

# What a role says that it would run, and what it would install from.
IMAGES, PYTHON_LOCKS = "images", "python_locks"


def wanted(host: str, groups: Mapping[str, Any], described: Mapping[str, Any], judges: Judges) -> dict[str, Any]:
    """`images` and `sources` as they are named, `engines` and `python` with what the collection has for them, and whether packages count."""
    found: dict[str, Any] = {"images": [], "engines": {}, "python": {}, "sources": _sources(host, groups, described)}
    for role in _roles(host, groups, described):
        images = [str(image) for image in judges.stated(role, IMAGES, described) if image]
        files = [ROLES / role / "files" / name for name in judges.stated(role, PYTHON_LOCKS, described)]
        found["images"] += images
        found["python"].update({f"roles/{role}/files/{path.name}": _hash(path) for path in files})
        if role in engines():
            found["engines"].update(_engines(role, [*images, *(path.read_text("utf-8") for path in files)]))
    found["images"] = sorted(set(found["images"]))
    found["packages"] = described.get("hearth_runtime", "docker") == "docker" and host in _topology.hosts_for(
        groups, "connected"
    )
    return found


def models(sources: Iterable[str], path: str) -> tuple[dict[str, str], list[str]]:
    """Of each source the hash of what the file of models says of it, and the sources of which it says nothing."""
    try:
        known = LockFile(path).read()
    except LockFileError as error:
        raise InputError(str(error)) from None
    hashes = {
        source: hashlib.sha256(json.dumps(known[source], sort_keys=True).encode()).hexdigest()
        for source in sources
        if source in known
    }
    return hashes, [source for source in sources if source not in known]


def _roles(host: str, groups: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """Those that site.yml begins on the host, of those that run or install something by name."""

    def is_for(purpose: str) -> bool:
        return host in _topology.hosts_for(groups, purpose)

    docker = described.get("hearth_runtime", "docker") == "docker"
    frontends = list(described.get("hearth_frontends", ()))
    chosen = (
        (is_for("connected") and not docker, ["service"]),
        (is_for("connected") and docker and described.get("hearth_gpu_policy") != "none", ["nvidia"]),
        (is_for("rpc_workers"), ["llama_rpc"]),
        (is_for("engines"), [*engines(), "fetcher"]),
        (is_for("engines") and described.get("hearth_otel_collector"), ["otel_collector"]),
        (is_for("gateways"), ["gateway"]),
        (is_for("frontends"), frontends),
        (is_for("frontends") and described.get("hearth_valkey"), ["valkey"]),
    )
    return [role for is_so, roles in chosen if is_so for role in roles]


def _engines(role: str, references: Iterable[str]) -> dict[str, dict[str, str]]:
    """Each build with its list of options. One that no list is kept of tells them itself, and is locked by its image."""
    found = {}
    for reference in references:
        for kind in engines()[role].builds:
            build = build_of(kind, reference)
            if build:
                path = path_of(kind, reference)
                found[f"{kind} {build}"] = {"options": path.name if path else "", "sha256": _hash(path) if path else ""}
    return found


def _sources(host: str, groups: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    if host not in _topology.hosts_for(groups, "engines"):
        return []
    found = [
        _key(model, described)
        for model in models_on(described.get("hearth_models") or {}, host).values()
        if isinstance(model, Mapping) and model.get("source")
    ]
    # What lies on the host already is nobody's to name anew.
    return sorted({source for source in found if source and not source.startswith("file://")})


def _key(model: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    try:
        return parse(str(model["source"]), model.get("files") or (), described.get("hearth_hub_endpoint") or None).key
    except InputError:
        # The description is judged elsewhere.
        return ""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
