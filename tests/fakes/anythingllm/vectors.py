# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks and their vectors, and which of them are like a question."""

from __future__ import annotations

import fnmatch
import json
import math
import textwrap
from typing import TYPE_CHECKING, Any

from fakes.anythingllm import backend

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application


def add(app: Application, workspace: dict[str, Any], number: str, document: dict[str, Any]) -> None:
    if fnmatch.fnmatchcase(document["title"], app.control.faults.get("embedding_fails", "")):
        raise ValueError("the embedder was told to fail")
    size = int(
        app.store.preference("text_splitter_chunk_size")
        or app.environment.get("EMBEDDING_MODEL_MAX_CHUNK_LENGTH", "1000")
    )
    head = f"<document_metadata>\nsourceDocument: {document['title']}\n</document_metadata>\n\n"
    chunks = [head + chunk for chunk in textwrap.wrap(document["pageContent"], size, replace_whitespace=False)]
    for chunk, vector in _pairs(chunks, backend.embed(app, chunks)):
        app.store.insert("vectors", workspaceId=workspace["id"], docId=number, chunk=chunk, vector=json.dumps(vector))


def _pairs(chunks: list[str], vectors: list[list[float]]) -> list[tuple[str, list[float]]]:
    if len(chunks) != len(vectors):
        raise ValueError(f"{len(chunks)} chunks were sent, and {len(vectors)} vectors came back")
    return [(chunk, vectors[number]) for number, chunk in enumerate(chunks)]


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
            "id": row["docId"],
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
