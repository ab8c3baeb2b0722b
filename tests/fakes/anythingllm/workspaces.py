# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workspaces: names may repeat, slugs are the server's own, and what makes no sense becomes something else without a word.

Seen: AnythingLLM 1.16.0, driven unmodified (a name is cut at 255). Source: validations and `new` in server/models/workspace.js; the slug is
made of the whole name.
"""

from __future__ import annotations

import json
import random
import uuid
from typing import TYPE_CHECKING, Any

from fakes.anythingllm.http import Answer, RefusedError, Request, answer, route, status
from fakes.anythingllm.slugs import slug_of

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

PROMPT = (
    "Given the following conversation, relevant context, and a follow up question, reply with an answer to the current question the user is "
    "asking. Return only your response to the question given the above information following the users instructions as needed."
)
MODES = ("chat", "query", "automatic")
FIELDS = [
    "name",
    "openAiTemp",
    "openAiHistory",
    "openAiPrompt",
    "similarityThreshold",
    "chatProvider",
    "chatModel",
    "topN",
    "chatMode",
    "agentProvider",
    "agentModel",
    "queryRefusalResponse",
    "vectorSearchMode",
]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def normalised(fields: dict[str, Any]) -> dict[str, Any]:
    """What the server keeps of what it was sent."""
    kept = {name: value for name, value in fields.items() if name in FIELDS}
    if "name" in kept:
        kept["name"] = kept["name"][:255] if kept["name"] and isinstance(kept["name"], str) else "My Workspace"
    if "openAiTemp" in kept:
        number = _number(kept["openAiTemp"])
        kept["openAiTemp"] = number if number is not None and number >= 0 else None
    if "similarityThreshold" in kept:
        number = _number(kept["similarityThreshold"])
        kept["similarityThreshold"] = 0.25 if number is None else min(1.0, max(0.0, number))
    for name, least, otherwise in (("topN", 1, 4), ("openAiHistory", 0, 20)):
        if name in kept:
            number = _number(kept[name])
            kept[name] = otherwise if number is None else max(least, int(number))
    if "chatMode" in kept and kept["chatMode"] not in MODES:
        kept["chatMode"] = "automatic"
    if "vectorSearchMode" in kept and kept["vectorSearchMode"] not in ("default", "rerank"):
        kept["vectorSearchMode"] = "default"
    for name in ("openAiPrompt", "queryRefusalResponse"):
        if kept.get(name) == "":
            kept[name] = None
    if kept.get("chatProvider") == "default":
        kept["chatProvider"] = kept["chatModel"] = None
    elif kept.get("chatProvider") == "none":
        kept["chatProvider"] = None
    return kept


def find(app: Application, slug: str) -> dict[str, Any] | None:
    return app.store.one("SELECT * FROM workspaces WHERE slug = ?", slug)


def documents_of(app: Application, workspace: dict[str, Any]) -> list[dict[str, Any]]:
    rows = app.store.all("SELECT * FROM workspace_documents WHERE workspaceId = ?", workspace["id"])
    return [{**row, "pinned": bool(row["pinned"]), "watched": bool(row["watched"])} for row in rows]


@route("GET", "/api/v1/workspaces")
def _list(app: Application, _request: Request) -> Answer:
    return answer({"workspaces": [{**row, "threads": []} for row in app.store.all("SELECT * FROM workspaces")]})


@route("POST", "/api/v1/workspace/new")
def _new(app: Application, request: Request) -> Answer:
    given = request.json()
    name = given.get("name")
    if not name:
        return answer({"workspace": None, "message": "name cannot be null"}, 400)
    if not isinstance(name, str):
        raise TypeError("slugify: string argument expected")
    slug = slug_of(name) or str(uuid.uuid4())
    if find(app, slug):
        slug = f"{slug}-{random.randint(10**7, 10**8 - 1)}"
    fields = {
        "openAiPrompt": app.store.preference("default_system_prompt") or PROMPT,
        **normalised(given),
        "slug": slug,
    }
    return answer({"workspace": app.store.insert("workspaces", **fields), "message": None})


@route("GET", "/api/v1/workspace/{slug}")
def _get(app: Application, request: Request) -> Answer:
    """A list with one workspace, or an empty one."""
    found = find(app, request.names["slug"])
    return answer({"workspace": [{**found, "documents": documents_of(app, found), "threads": []}] if found else []})


@route("POST", "/api/v1/workspace/{slug}/update")
def _update(app: Application, request: Request) -> Answer:
    found = _known(app, request)
    fields = normalised(request.json())
    if not fields:
        return answer({"workspace": {"id": found["id"]}, "message": "No valid fields to update!"})
    if "openAiPrompt" in fields:
        app.store.insert("prompt_history", workspaceId=found["id"], prompt=found["openAiPrompt"])
    return answer({"workspace": app.store.update("workspaces", found["id"], **fields), "message": None})


@route("DELETE", "/api/v1/workspace/{slug}")
def _delete(app: Application, request: Request) -> Answer:
    found = _known(app, request)
    if app.environment.get("WORKSPACE_DELETION_PROTECTION"):
        return status(403)
    for table in (
        "workspace_users WHERE workspace_id",
        "workspace_documents WHERE workspaceId",
        "vectors WHERE workspaceId",
    ):
        app.store.run(f"DELETE FROM {table} = ?", found["id"])
    app.store.run("DELETE FROM workspaces WHERE id = ?", found["id"])
    return status(200)


def _known(app: Application, request: Request) -> dict[str, Any]:
    found = find(app, request.names["slug"])
    if found is None:
        raise RefusedError(status(400))
    return found


@route("POST", "/api/v1/workspace/{slug}/update-pin")
def _pin(app: Application, request: Request) -> Answer:
    found, given = _known(app, request), request.json()
    row = app.store.one(
        "SELECT id FROM workspace_documents WHERE workspaceId = ? AND docpath = ?", found["id"], given["docPath"]
    )
    if row is None:
        return status(404)
    app.store.update("workspace_documents", row["id"], pinned=int(bool(given["pinStatus"])))
    return answer({"message": "Pin status updated successfully"})


@route("GET", "/_fake/prompts/{slug}", "none")
def _prompts(app: Application, request: Request) -> Answer:
    """How often the prompt was changed: the UI shows it, the API does not."""
    found = _known(app, request)
    return answer(
        [row["prompt"] for row in app.store.all("SELECT prompt FROM prompt_history WHERE workspaceId = ?", found["id"])]
    )


def metadata_of(document: dict[str, Any]) -> str:
    """A string of JSON inside of JSON."""
    return json.dumps({name: value for name, value in document.items() if name != "pageContent"})
