# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the library is embedded in a workspace.

Seen: AnythingLLM 1.16.0, driven unmodified (after a client's time-out the embedding goes on, and asked again, it makes the rows twice).
Source: server/models/documents.js: the row is made when the vectors are there, and nobody looks whether it is there already.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from fakes.anythingllm import library, vectors
from fakes.anythingllm.http import Answer, RefusedError, Request, answer, route, status
from fakes.anythingllm.workspaces import documents_of, find, metadata_of

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application


def add_to(app: Application, slugs: str, location: str) -> None:
    """Unknown workspaces are skipped; what fails is in the log only."""
    for slug in filter(None, slugs.split(",")):
        workspace = find(app, slug.strip())
        if workspace:
            _embed(app, workspace, location)


@route("POST", "/api/v1/workspace/{slug}/update-embeddings")
def _update_embeddings(app: Application, request: Request) -> Answer:
    workspace = find(app, request.names["slug"])
    if workspace is None:
        raise RefusedError(status(400))
    given = request.json()
    for docpath in given.get("deletes", []):
        # One row, also where a document is there twice.
        row = app.store.one(
            "SELECT id, docId FROM workspace_documents WHERE workspaceId = ? AND docpath = ?", workspace["id"], docpath
        )
        if row:
            app.store.run("DELETE FROM vectors WHERE docId = ?", row["docId"])
            app.store.run("DELETE FROM workspace_documents WHERE id = ?", row["id"])
    for docpath in given.get("adds", []):
        _embed(app, workspace, docpath)
    return answer({"workspace": {**workspace, "documents": documents_of(app, workspace)}, "message": None})


def _embed(app: Application, workspace: dict[str, Any], docpath: str) -> None:
    """Whatever fails is in the log, and the answer is 200 all the same."""
    content = library.load(app, docpath)
    if content is None:
        return
    number = str(uuid.uuid4())
    try:
        vectors.add(app, workspace, number, docpath, content)
    except (OSError, ValueError, KeyError) as error:
        app.log(f"Failed to vectorize {content['title']}: {error}")
        return
    app.store.insert(
        "workspace_documents",
        docId=number,
        filename=docpath.rpartition("/")[2],
        docpath=docpath,
        workspaceId=workspace["id"],
        metadata=metadata_of(content),
    )
