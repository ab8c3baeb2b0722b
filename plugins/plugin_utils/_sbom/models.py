# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of a host: those that lie there, and those that are described and have not come yet. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._hub import SOURCE

Model = Mapping[str, Any]


def bill_models(
    there: Iterable[Model], described: Iterable[Model], lock: Mapping[str, Any], endpoint: str = ""
) -> list[dict[str, Any]]:
    """Each with `repository`, `card` (what its card is asked for by) and `present`; of one that has not come, what the lock file says of it."""
    found = {str(model["name"]): {**model, "present": True} for model in there}
    for model in described:
        if model["name"] not in found and model.get("source"):
            found[str(model["name"])] = {**_described(model, lock, endpoint), "present": False}
    return [{**model, **_origin(model)} for _name, model in sorted(found.items())]


def _described(model: Model, lock: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    try:
        key = parse(str(model["source"]), model.get("files") or (), endpoint or None).key
    except HearthError:
        # Whoever fetches it says what is wrong with it. As it stands there it may hold a signature.
        key = ""
    known = lock.get(key) or {}
    files = [
        {"path": str(file["path"]), "bytes": int(file.get("bytes") or 0), "sha256": str(file.get("sha256") or "")}
        for file in known.get("files") or []
    ]
    sha256 = str(model.get("sha256") or "")
    if not files and sha256:
        files = [{"path": key.rpartition("/")[2], "bytes": 0, "sha256": sha256}]
    revision = str(known.get("revision") or "")
    return {"name": model["name"], "source": key, "revision": revision, "files": files, "header": {}}


def _origin(model: Model) -> dict[str, str]:
    """A source that narrows a repository has what it is narrowed to behind a blank."""
    found = SOURCE.match(str(model["source"]).partition(" [")[0])
    if not found:
        return {"repository": "", "card": ""}
    revision = model["revision"] or found["revision"] or "main"
    return {"repository": found["repository"], "card": f"hf://{found['repository']}@{revision}"}
