# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a description wants and the lock does not have, each a sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._locked_packages import is_kept
from ansible_collections.hearth.llm.plugins.plugin_utils._lock import document
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.wanted import models
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.reference import read

_REMEDY = "run lock.yml, or set hearth_locked to false"


def unlocked(host: str, wanted: Mapping[str, Any], path: Path, models_path: str) -> Iterator[str]:
    if not path.exists():
        yield f"hearth_locked is true, and there is no lock {path}: {_REMEDY}."
        return
    lock = document.load(path)
    for image in wanted["images"]:
        if image not in lock["images"] and not read(image).digest:
            yield f"hearth_locked is true, and the image {image} is not in {path}: {_REMEDY}."
    for build, has in wanted["engines"].items():
        # One without a list is locked by its image, or by its wheel.
        if has["options"] and lock["engines"].get(build) != has:
            yield f"hearth_locked is true, and the options of {build} are not those in {path} (the collection has {has['options']}): {_REMEDY}."
    for name, sha256 in wanted["python"].items():
        if lock["python"].get(name) != sha256:
            yield f"hearth_locked is true, and {name} of the collection is not the one in {path}: {_REMEDY}."
    hashes, unknown = models(wanted["sources"], models_path)
    for source in unknown:
        yield f"hearth_locked is true, and {source} is not in {models_path}: run fetch_models.yml with hearth_locked set to false, and lock.yml."
    for source, sha256 in hashes.items():
        if lock["models"].get(source) != sha256:
            yield f"hearth_locked is true, and what {models_path} says of {source} is not what was locked: {_REMEDY}."
    if wanted["packages"] and host not in lock["hosts"]:
        yield f"hearth_locked is true, and {path} has no versions of the packages of {host}: run lock.yml while it is on, or set hearth_locked to false."


def image_as_locked(image: str, path: Path) -> str:
    """Exactly the bytes that were locked."""
    if not image:
        return image
    reference = read(image)
    if reference.digest:
        return reference.at(reference.digest)
    entry = document.load(path)["images"].get(image)
    if entry is None:
        raise InputError(f"hearth_locked is true, and the image {image} is not in {path}: {_REMEDY}.")
    return reference.at(str(entry["digest"]))


def package_as_locked(name: str, host: str, path: Path) -> str:
    """With the version that the host's lock has of it, where it is one of those whose versions are kept."""
    if "=" in name or not is_kept(name):
        return name
    version = ((document.load(path)["hosts"].get(host) or {}).get("packages") or {}).get(name)
    if version is None:
        raise InputError(
            f"hearth_locked is true, and {path} has no version of the package {name} for {host}: "
            "run prepare_host.yml with hearth_locked set to false, and lock.yml."
        )
    return f"{name}={version}"
