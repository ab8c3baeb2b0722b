# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells: the models, their lock entries, and a diff that a person likes to read."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import ModelPlan, Plan
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import File
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import FILE_MODE, Store


def report(store: Store, plan: Plan) -> dict[str, Any]:
    return {model.name: _model(store, model) for model in plan.models}


def locks(store: Store, plan: Plan) -> dict[str, Any]:
    """By source. What lies on the managed host itself is not ours to pin."""
    entries: dict[str, Any] = {}
    for model in plan.models:
        source = model.resolved.source
        if source.kind != "file":
            files = [
                {"path": file.origin, "bytes": file.bytes, "sha256": _sha256(store, model, file)}
                for file in model.resolved.files
            ]
            revision = {"revision": model.resolved.revision} if model.resolved.revision else {}
            entries[source.key] = {**revision, "files": files}
    return entries


def diff(store: Store, plan: Plan) -> dict[str, str]:
    """Only what changes: a line for each file as it is, and as it will be."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for model in plan.models:
        for step in model.steps:
            path = store.path(model.name, step.file.path)
            if not model.waits and (step.action == "fetch" or step.attributes):
                before[path] = step.before
                after[path] = _wanted(store, model, step.file, step.sha256)
    for relative in plan.removals:
        path = os.path.join(store.directory, relative)
        if os.path.lexists(path):
            before[path], after[path] = f"{os.lstat(path).st_size} bytes", "absent"
    for path in plan.directories:
        before[path], after[path] = "directory with another mode or owner", "directory, mode 0755"
    return {"before": _lines(before), "after": _lines(after)}


def _wanted(store: Store, model: ModelPlan, file: File, sha256: str) -> str:
    known = sha256 or file.sha256
    what = f"sha256 {known}" if known else f"git blob {file.git_sha1}" if file.git_sha1 else "sha256 not known yet"
    return f"{file.bytes} bytes, mode {FILE_MODE:04o}, owner {store.owner_after(store.path(model.name, file.path))}, {what}"


def _lines(described: dict[str, str]) -> str:
    return "".join(f"{path}: {text}\n" for path, text in sorted(described.items()))


def _model(store: Store, model: ModelPlan) -> dict[str, Any]:
    files = [{"path": f.path, "bytes": f.bytes, "sha256": _sha256(store, model, f)} for f in model.resolved.files]
    entry = model.resolved.source.entry([file.path for file in model.resolved.files])
    return {
        "path": store.path(model.name, entry) if entry else os.path.join(store.directory, model.name),
        "source": model.resolved.source.key,
        "revision": model.resolved.revision,
        "bytes": sum(file.bytes for file in model.resolved.files),
        "changed": model.changed,
        "later": model.waits,
        "left_out": list(model.resolved.left_out),
        "files": files,
    }


def _sha256(store: Store, model: ModelPlan, file: File) -> str:
    """As it was asked for, or as it was found when the file was fetched."""
    record = store.record(model.name, file.path)
    fetched = record and record.origin == file.origin and (record.bytes, record.git_sha1) == (file.bytes, file.git_sha1)
    return file.sha256 or (record.sha256 if record and fetched else "")
