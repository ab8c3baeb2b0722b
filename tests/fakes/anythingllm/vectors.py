# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks and their vectors, kept by the path of their document, and which of them are like a question.

Seen: AnythingLLM 1.16.0, driven unmodified (vectors of a path are used again, also when the document's content has changed, until the
document is removed). Source: cachedVectorInformation, storeVectorResult and purgeVectorCache in server/utils/files/index.js.
"""

from __future__ import annotations

import fnmatch
import json
import math
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.anythingllm import backend, splitter

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application


def _cache(app: Application) -> Path:
    return app.storage / "vector-cache"


def kept(app: Application, docpath: str) -> Path:
    """Where the vectors of this path are, or would be."""
    return _cache(app) / f"{uuid.uuid5(uuid.NAMESPACE_URL, docpath)}.json"


def any_kept(app: Application) -> bool:
    return any(_cache(app).glob("*.json"))


def forget(app: Application, docpath: str) -> None:
    path = kept(app, docpath)
    if path.is_file():
        path.unlink()


def forget_all(app: Application) -> None:
    for path in _cache(app).glob("*.json"):
        path.unlink()


def add(app: Application, workspace: dict[str, Any], number: str, docpath: str, document: dict[str, Any]) -> None:
    path = kept(app, docpath)
    if path.is_file():
        pairs = json.loads(path.read_text(encoding="utf-8"))
    else:
        pairs = _embedded(app, document)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(pairs), encoding="utf-8")
    for chunk, vector in pairs:
        app.store.insert("vectors", workspaceId=workspace["id"], docId=number, chunk=chunk, vector=json.dumps(vector))


def _embedded(app: Application, document: dict[str, Any]) -> list[tuple[str, list[float]]]:
    title = document["title"]
    while fnmatch.fnmatchcase(title, app.control.faults.get("embedding_waits", "")):
        time.sleep(0.01)
    if fnmatch.fnmatchcase(title, app.control.faults.get("embedding_fails", "")):
        raise ValueError("the embedder was told to fail")
    chunks = splitter.chunks(app, document)
    if not chunks:
        # Of a blank document, nothing is left to embed.
        raise ValueError("Could not embed document chunks! This document will not be recorded.")
    vectors = backend.embed(app, chunks)
    if len(chunks) != len(vectors):
        raise ValueError(f"{len(chunks)} chunks were sent, and {len(vectors)} vectors came back")
    return list(zip(chunks, vectors))


def search(
    app: Application, workspace: dict[str, Any], question: str, top: int, threshold: float
) -> list[dict[str, Any]]:
    """The chunks most like the question, best first."""
    rows = app.store.all(
        "SELECT vectors.*, workspace_documents.metadata FROM vectors JOIN workspace_documents USING (docId) "
        "WHERE vectors.workspaceId = ?",
        workspace["id"],
    )
    if not rows:
        return []
    asked = backend.embed(app, [question])[0]
    scored = [(_cosine(asked, json.loads(row["vector"])), row) for row in rows]
    best = sorted(scored, key=lambda pair: -pair[0])[:top]
    return [
        {
            "id": str(row["id"]),
            "text": row["chunk"],
            "metadata": json.loads(row["metadata"]),
            "score": score,
            "distance": 1 - score,
        }
        for score, row in best
        if score >= threshold
    ]


def _cosine(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        raise ValueError(f"query dim({len(one)}) does not match the column vector dim({len(other)})")
    length = math.sqrt(sum(value * value for value in one)) * math.sqrt(sum(value * value for value in other))
    return sum(value * other[number] for number, value in enumerate(one)) / length if length else 0.0
