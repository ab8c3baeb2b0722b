# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the services' containers, and the builds of engines in them. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._engines._on_targets import ENGINES
from ansible_collections.hearth.llm.plugins.module_utils._host.docker import ask_docker

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._bill.system import Run
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# What the role service puts before the name of each service.
PREFIX = "hearth-"
_LABELS = {"version": "org.opencontainers.image.version", "revision": "org.opencontainers.image.revision"}


def images(host: Host, run: Run) -> list[dict[str, Any]]:
    """By what they are called. The services that each runs, and what the engine in it says of itself, stand beside it."""
    found: dict[str, dict[str, Any]] = {}
    for container in ask_docker(host, "/containers/json?all=true") or []:
        names = [name.lstrip("/") for name in container.get("Names") or []]
        service = next((name[len(PREFIX) :] for name in names if name.startswith(PREFIX)), "")
        if not service:
            continue
        # An image that got another tag since is called by its hash here, and what it was made of stands in the container.
        image = found.setdefault(container["ImageID"], _image(host, str(container["Image"]), str(container["ImageID"])))
        image["services"] = sorted([*image["services"], service])
        if not image["engine"] and container.get("State") == "running":
            image.update(_engine(run, service))
    return sorted(found.values(), key=lambda image: (image["reference"], image["id"]))


def _image(host: Host, reference: str, identity: str) -> dict[str, Any]:
    told = ask_docker(host, f"/images/{quote(identity, safe=':')}/json") or {}
    labels = (told.get("Config") or {}).get("Labels") or {}
    tags = told.get("RepoTags") or []
    return {
        "reference": tags[0] if reference.startswith("sha256:") and tags else reference,
        "id": identity,
        # By which registries know it. One that was made here has none.
        "digests": sorted({str(digest).rpartition("@")[2] for digest in told.get("RepoDigests") or []}),
        **{name: str(labels.get(label) or "") for name, label in _LABELS.items()},
        "services": [],
        "engine": "",
        "build": "",
    }


def _engine(run: Run, service: str) -> dict[str, str]:
    """An engine's services are called by its name, with or without an instance's behind a dash."""
    engine = ENGINES.get(service.partition("-")[0])
    if engine is None:
        return {}
    for words in engine.version_commands:
        said = engine.version_said.search(run(["docker", "exec", PREFIX + service, *words]))
        if said:
            return {"engine": engine.title, "build": said[1]}
    return {}
