# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a compressed model is made of. It is made again when any of this changes, and never otherwise: its directory is called by it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import read_json
from ansible_collections.hearth.llm.plugins.module_utils._openvino import presets
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store

_DIGITS = 12
_WEIGHTS = (".safetensors", ".bin", ".pt")


@dataclass(frozen=True)
class Inputs:
    name: str
    path: str
    # Where it came from, and which commit that was; empty for a directory that somebody has put there.
    source: str
    revision: str
    # Each with its path, size and hash; the hash of what somebody has put there is not known.
    files: tuple[Mapping[str, Any], ...]
    method: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def generation(self) -> str:
        content = json.dumps([self.files, self.method, self.versions], sort_keys=True)
        return f"{identifier(self.name)}@{hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]}"

    @property
    def weight_bytes(self) -> int:
        return sum(int(file["bytes"]) for file in self.files if str(file["path"]).endswith(_WEIGHTS))


def look(model: Mapping[str, Any], store: Store, versions: Mapping[str, str]) -> Inputs:
    """As it lies on the host. Of what the role models has brought it is known which bytes were verified, and nothing else is taken."""
    name, path = str(model["name"]), str(model["path"])
    if not os.path.isdir(path):
        raise HearthError(
            f"{name}: there is no directory {path}. Run the role hearth.llm.models before this one, or correct its path."
        )
    config = read_json(os.path.join(path, "config.json"))
    if not config:
        raise InputError(
            f"{name}: {path} has no config.json, so it is no model of Hugging Face's format: name a whole repository as its source."
        )
    if os.path.exists(os.path.join(path, "openvino_model.xml")):
        raise InputError(f"{name}: {path} was made for OpenVINO already: take compression away.")
    known = store.models.get(name)
    brought = known is not None and os.path.realpath(path) == os.path.realpath(os.path.join(store.directory, name))
    found = _verified(name, path, store) if brought else _lying(path)
    inputs = Inputs(
        name,
        path,
        known.source if known and brought else "",
        known.revision if known and brought else "",
        tuple(found),
        presets.method(model.get("compression") or {}, config),
        dict(versions),
    )
    misfit = presets.misfit(name, inputs.method, config)
    if misfit:
        raise InputError(misfit)
    if not inputs.weight_bytes:
        raise InputError(f"{name}: {path} has no weights (*.safetensors): name a whole repository as its source.")
    return inputs


def _verified(name: str, path: str, store: Store) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for record in store.models[name].files:
        there = os.path.join(path, record.path)
        status = os.stat(there) if os.path.exists(there) else None
        if status is None or (status.st_size, status.st_mtime_ns) != (record.bytes, record.mtime_ns):
            raise HearthError(
                f"{name}: {there} is not as it was when it was verified. Run the role hearth.llm.models, which brings it back."
            )
        found.append({"path": record.path, "bytes": record.bytes, "sha256": record.sha256})
    return sorted(found, key=lambda file: str(file["path"]))


def _lying(path: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            status = os.stat(os.path.join(folder, name))
            relative = os.path.relpath(os.path.join(folder, name), path)
            found.append({"path": relative, "bytes": status.st_size, "changed_ns": status.st_mtime_ns})
    return found
