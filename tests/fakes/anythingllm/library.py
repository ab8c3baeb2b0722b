# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of documents: folders with a file of JSON for each document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.anythingllm import vectors
from fakes.anythingllm.http import Answer, Request, answer, route

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application


def library(app: Application) -> Path:
    return app.storage / "documents"


def load(app: Application, docpath: str) -> dict[str, Any] | None:
    path = library(app) / docpath
    if ".." in docpath or not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def store(app: Application, location: str, document: dict[str, Any]) -> dict[str, Any]:
    """What is there under this name already is overwritten."""
    path = library(app) / location
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return {**document, "location": location, "name": path.name}


def move(app: Application, document: dict[str, Any], folder: str) -> dict[str, Any]:
    """Into a folder, over what has the same name there."""
    target = library(app) / folder / document["name"]
    target.parent.mkdir(parents=True, exist_ok=True)
    (library(app) / document["location"]).replace(target)
    return {**document, "location": f"{folder}/{target.name}"}


def _listed(app: Application, folder: Path) -> list[dict[str, Any]]:
    pinned: dict[str, list[int]] = {}
    for row in app.store.all("SELECT docpath, workspaceId FROM workspace_documents WHERE pinned = 1"):
        pinned.setdefault(row["docpath"], []).append(row["workspaceId"])
    items = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        content.pop("pageContent")
        place = f"{folder.name}/{path.name}"
        about = {"name": path.name, "type": "file", "cached": vectors.kept(app, place).is_file(), "watched": False}
        items.append({**content, **about, "pinnedWorkspaces": pinned.get(place, [])})
    return items


@route("GET", "/api/v1/documents/folder/{folder}")
def _folder(app: Application, request: Request) -> Answer:
    name = request.names["folder"]
    path = library(app) / name
    if not path.is_dir():
        return answer({"folder": name, "documents": [], "code": 404, "error": f'Folder "{name}" does not exist.'}, 404)
    return answer({"folder": name, "documents": _listed(app, path)})


@route("GET", "/api/v1/documents")
def _all(app: Application, request: Request) -> Answer:
    name = request.query("folder")
    if name:
        path = library(app) / name
        found = _listed(app, path) if path.is_dir() else []
        return answer({"documents": found, "totalCount": len(found)}, 200 if path.is_dir() else 404)
    folders = [path for path in sorted(library(app).iterdir()) if path.is_dir()]
    items = [{"name": path.name, "type": "folder", "items": _listed(app, path)} for path in folders]
    return answer({"localFiles": {"name": "documents", "type": "folder", "items": items}})


@route("POST", "/api/v1/document/create-folder")
def _create_folder(app: Application, request: Request) -> Answer:
    path = library(app) / str(request.json().get("name"))
    if path.exists():
        return answer({"success": False, "message": "Folder by that name already exists"}, 500)
    path.mkdir()
    return answer({"success": True, "message": None})


@route("DELETE", "/api/v1/document/remove-folder")
def _remove_folder(app: Application, request: Request) -> Answer:
    name = str(request.json().get("name"))
    path = library(app) / name
    if name != "custom-documents" and path.is_dir():
        for document in path.glob("*.json"):
            _remove(app, f"{name}/{document.name}")
        path.rmdir()
    return answer({"success": True, "message": "Folder removed successfully"})


@route("DELETE", "/api/v1/system/remove-documents")
def _remove_documents(app: Application, request: Request) -> Answer:
    for name in request.json().get("names", []):
        _remove(app, name)
    return answer({"success": True, "message": "Documents removed successfully"})


def _remove(app: Application, docpath: str) -> None:
    """From the library, from every workspace, and its vectors with it."""
    for row in app.store.all("SELECT docId FROM workspace_documents WHERE docpath = ?", docpath):
        app.store.run("DELETE FROM vectors WHERE docId = ?", row["docId"])
    app.store.run("DELETE FROM workspace_documents WHERE docpath = ?", docpath)
    vectors.forget(app, docpath)
    path = library(app) / docpath
    if ".." not in docpath and path.is_file():
        path.unlink()
