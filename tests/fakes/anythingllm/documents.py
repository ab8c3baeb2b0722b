# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and texts that are sent to the library. What becomes of a file, the collector says.

Source: server/endpoints/api/document/index.js: what the collector has written elsewhere is moved into the wanted folder, over equal
names, and only the first of a file's documents is embedded by addToWorkspaces.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import uuid
from typing import TYPE_CHECKING

from fakes.anythingllm import collector, embeddings, library
from fakes.anythingllm.http import Answer, Request, answer, route, status

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

OFFLINE = "Document processing API is not online. Document {name} will not be processed automatically."


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
    metadata = json.loads(form["metadata"][1].decode("utf-8")) if "metadata" in form else {}
    try:
        documents = collector.process(app, name, content, metadata)
    except collector.UnreadableError as error:
        return answer({"success": False, "error": str(error), "documents": []}, 500)
    folder = request.names.get("folder")
    if folder:
        documents = [library.move(app, document, folder) for document in documents]
    embeddings.add_to(app, form.get("addToWorkspaces", ("", b""))[1].decode("utf-8"), documents[0]["location"])
    return answer({"success": True, "error": None, "documents": documents})


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
    title, number = given["metadata"]["title"], str(uuid.uuid4())
    document = collector.document(number, title, given["textContent"], given["metadata"], "a text given as such.")
    name = re.sub(r"[^a-zA-Z0-9._-]", "-", title)
    stored = library.store(app, f"custom-documents/raw-{name}-{number}.json", document)
    embeddings.add_to(app, given.get("addToWorkspaces", ""), stored["location"])
    return answer({"success": True, "error": None, "documents": [stored]})


@route("GET", "/api/v1/document/accepted-file-types")
def _types(app: Application, _request: Request) -> Answer:
    return status(404) if app.control.faults.get("collector_offline") else answer({"types": collector.TYPES})
