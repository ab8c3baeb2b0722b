# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models on a host: which bytes they have now, where these came from, and what their headers say. PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.ranges import MIB
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import read_general
from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import kind, tell_apart
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import describe, part_names
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import LocalFile

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Record

# What a header says of itself that a reader of the bill wants to know.
_HEADER = ("license", "license.name", "license.link", "base_model.0.repo_url")


def models(directory: str, *, read_all: bool) -> list[dict[str, Any]]:
    """By the names that they were fetched under. A file is read again where it is not as it was when it was verified, or where all are."""
    store = Store(directory)
    return [
        {
            "name": name,
            "source": model.source,
            "revision": model.revision,
            "files": [_file(store, name, record, read_all=read_all) for record in model.files],
            **_header(store, name, [record.path for record in model.files]),
        }
        for name, model in sorted(store.models.items())
    ]


def _file(store: Store, name: str, record: Record, *, read_all: bool) -> dict[str, Any]:
    """Its size and hash as they are now; a hash that is empty where it is gone."""
    path = store.path(name, record.path)
    try:
        status = os.stat(path)
        intact = (status.st_size, status.st_mtime_ns) == (record.bytes, record.mtime_ns)
        sha256 = record.sha256 if intact and not read_all else _sha256(path)
    except OSError:
        return {"path": record.path, "bytes": 0, "sha256": ""}
    return {"path": record.path, "bytes": status.st_size, "sha256": sha256}


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for piece in iter(lambda: stream.read(MIB), b""):
            digest.update(piece)
    return digest.hexdigest()


def _header(store: Store, name: str, files: list[str]) -> dict[str, Any]:
    """Of a GGUF model its header, of another one what its configuration says. What cannot be read is said by nobody."""
    found = tell_apart(files, lambda path: kind(_general(store.path(name, path))))
    told: dict[str, Any] = {"format": "", "quantization": "", "parameters": 0, "header": {}}
    if found.models:
        general = _general(store.path(name, found.models[0]))
        told["header"] = {key: str(general[f"general.{key}"]) for key in _HEADER if general.get(f"general.{key}")}
        told.update(_described(store.path(name, found.models[0])), format="gguf")
    elif any(path.endswith(".safetensors") for path in files):
        told.update(format="safetensors", quantization=_quantized(_json(store.path(name, "config.json"))))
    return told


def _general(path: str) -> Mapping[str, Any]:
    try:
        with contextlib.closing(LocalFile(path)) as file:
            return read_general(file)
    except HearthError:
        return {}


def _described(path: str) -> dict[str, Any]:
    try:
        with contextlib.ExitStack() as files:
            parts = [files.enter_context(contextlib.closing(LocalFile(part))) for part in part_names(path)]
            told = describe(parts)
    except HearthError:
        return {}
    return {"quantization": told["quantization"] or "", "parameters": told["parameters"]}


def _json(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            told = json.load(stream)
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _quantized(config: Mapping[str, Any]) -> str:
    """How it is quantized, or else the type of its weights."""
    quantized = config.get("quantization_config")
    words = [quantized.get(key) for key in ("quant_method", "bits", "format")] if isinstance(quantized, dict) else []
    return " ".join(str(word) for word in words if word) or str(config.get("torch_dtype") or config.get("dtype") or "")
