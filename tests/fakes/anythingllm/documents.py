# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of documents, and what of it is embedded in a workspace."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.anythingllm import vectors
from fakes.anythingllm.http import Answer, RefusedError, Request, answer, route, status
from fakes.anythingllm.workspaces import documents_of, find, metadata_of

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

TYPES = {
    "text/plain": [".txt", ".md", ".org", ".adoc", ".rst"],
    "text/html": [".html"],
    "text/csv": [".csv"],
    "application/json": [".json"],
    "application/pdf": [".pdf"],
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": [".docx"],
    "application/vnd.oasis.opendocument.text": [".odt"],
    "application/epub+zip": [".epub"],
    "image/png": [".png"],
    "audio/mpeg": [".mp3"],
}
OFFLINE = "Document processing API is not online. Document {name} will not be processed automatically."


def library(app: Application) -> Path:
    return app.storage / "documents"


def load(app: Application, docpath: str) -> dict[str, Any] | None:
    path = library(app) / docpath
    if ".." in docpath or not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _store(app: Application, folder: str, name: str, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """Every upload is a new document with a name of its own."""
    number = str(uuid.uuid4())
    content = {
        "id": number,
        "url": f"file://{name}",
        "title": metadata.get("title") or name,
        "docAuthor": metadata.get("docAuthor") or "Unknown",
        "description": metadata.get("description") or "Unknown",
        "docSource": metadata.get("docSource") or "a text file uploaded by the user.",
        "chunkSource": metadata.get("chunkSource") or "",
        "published": datetime.now().strftime("%m/%d/%Y, %I:%M:%S %p"),
        "wordCount": len(text.split()),
        "pageContent": text,
        "token_count_estimate": len(text) // 4,
    }
    location = f"{folder}/{re.sub(r'[^a-zA-Z0-9._-]', '-', name)}-{number}.json"
    path = library(app) / location
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return {**content, "location": location, "name": path.name}


def _upload(app: Application, request: Request) -> Answer:
    form = _form(request)
    if "file" not in form:
        return status(500)
    name, content = form["file"]
    if app.control.faults.get("collector_offline"):
        return answer({"success": False, "error": OFFLINE.format(name=name)}, 500)
    hotdir = app.storage.parent.parent / "collector" / "hotdir"
    if not hotdir.is_dir():
        raise FileNotFoundError(f"ENOENT: no such file or directory, open '{hotdir}/{name}'")
    if Path(name).suffix.lower() not in [end for ends in TYPES.values() for end in ends]:
        return answer(
            {"success": False, "error": f"File extension {Path(name).suffix} not supported for parsing."}, 500
        )
    text = content.decode("utf-8", "replace")
    if not text.strip():
        return answer({"success": False, "error": f"No text content found in {name}."}, 500)
    metadata = json.loads(form["metadata"][1].decode("utf-8")) if "metadata" in form else {}
    document = _store(app, request.names.get("folder", "custom-documents"), name, text, metadata)
    _add_to(app, form.get("addToWorkspaces", ("", b""))[1].decode("utf-8"), document["location"])
    return answer({"success": True, "error": None, "documents": [document]})


route("POST", "/api/v1/document/upload")(_upload)
route("POST", "/api/v1/document/upload/{folder}")(_upload)


def _form(request: Request) -> dict[str, tuple[str, bytes]]:
    """Fields of the form, as (name of the file, content)."""
    head = f"Content-Type: {request.headers.get('Content-Type')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    found: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts():
        field = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        found[str(field)] = (part.get_filename() or "", payload if isinstance(payload, bytes) else b"")
    return found


@route("POST", "/api/v1/document/raw-text")
def _raw_text(app: Application, request: Request) -> Answer:
    given = request.json()
    if app.control.faults.get("collector_offline"):
        return answer({"success": False, "error": OFFLINE.format(name="raw text")}, 500)
    if not given.get("textContent") or not (given.get("metadata") or {}).get("title"):
        return answer({"success": False, "error": "The 'textContent' and 'metadata.title' keys need to be set."}, 422)
    title = given["metadata"]["title"]
    document = _store(app, "custom-documents", f"raw-{title}", given["textContent"], given["metadata"])
    _add_to(app, given.get("addToWorkspaces", ""), document["location"])
    return answer({"success": True, "error": None, "documents": [document]})


def _add_to(app: Application, slugs: str, location: str) -> None:
    """Unknown workspaces are skipped; what fails is in the log only."""
    for slug in filter(None, slugs.split(",")):
        workspace = find(app, slug.strip())
        if workspace:
            _embed(app, workspace, location)


@route("GET", "/api/v1/document/accepted-file-types")
def _types(app: Application, _request: Request) -> Answer:
    return status(404) if app.control.faults.get("collector_offline") else answer({"types": TYPES})


def _listed(app: Application, folder: Path) -> list[dict[str, Any]]:
    embedded: dict[str, list[int]] = {}
    for row in app.store.all("SELECT docpath, workspaceId, pinned FROM workspace_documents"):
        if row["pinned"]:
            embedded.setdefault(row["docpath"], []).append(row["workspaceId"])
    items = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        content.pop("pageContent")
        place = f"{folder.name}/{path.name}"
        items.append(
            {
                **content,
                "name": path.name,
                "type": "file",
                "cached": False,
                "watched": False,
                "pinnedWorkspaces": embedded.get(place, []),
            }
        )
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
    """From the library, and from every workspace."""
    for row in app.store.all("SELECT docId FROM workspace_documents WHERE docpath = ?", docpath):
        app.store.run("DELETE FROM vectors WHERE docId = ?", row["docId"])
    app.store.run("DELETE FROM workspace_documents WHERE docpath = ?", docpath)
    path = library(app) / docpath
    if ".." not in docpath and path.is_file():
        path.unlink()


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
    content = load(app, docpath)
    if content is None:
        return
    number = str(uuid.uuid4())
    try:
        vectors.add(app, workspace, number, content)
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
