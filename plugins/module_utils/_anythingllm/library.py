# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's library of documents. Those that we have brought carry a mark; what carries none is a user's, and is left alone."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    ProtocolError,
    StatusError,
)

if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server

# The last part says how the text was made and cut, so that another way is another document.
_MARK = re.compile(r"hearth:(.+):sha256:([0-9a-f]{64})(?::([a-z0-9=,+]+))?", re.DOTALL)
# Removals in one request, and how often a collector that starts is asked.
_BATCH, _INTERVAL = 100, 1.0


class Identity(NamedTuple):
    """A content under a name in a folder, and how it becomes text and pieces."""

    folder: str
    path: str
    sha256: str
    how: str = ""

    @property
    def place(self) -> str:
        return f"{self.folder}/{self.path}"

    @property
    def mark(self) -> str:
        return f"hearth:{self.path}:sha256:{self.sha256}{':' if self.how else ''}{self.how}"


def identity_of(folder: str, source: Any) -> Identity | None:
    """What the mark says; None for a document that is not ours."""
    found = _MARK.fullmatch(source) if isinstance(source, str) else None
    return Identity(folder, found.group(1), found.group(2), found.group(3) or "") if found else None


class Row(NamedTuple):
    """A document that is embedded in a workspace."""

    docpath: str
    identity: Identity | None
    pinned: bool


def rows_of(documents: Iterable[Any]) -> list[Row]:
    """From a workspace's documents, whose metadata are JSON inside of JSON."""
    rows = []
    for document in documents:
        docpath = str(document["docpath"])
        try:
            metadata = json.loads(document.get("metadata") or "{}")
        except ValueError:
            metadata = {}
        source = metadata.get("docSource") if isinstance(metadata, dict) else None
        rows.append(Row(docpath, identity_of(docpath.partition("/")[0], source), bool(document.get("pinned"))))
    return rows


class Library:
    def __init__(self, server: Server) -> None:
        self.server = server

    def folder(self, name: str) -> dict[str, Identity]:
        """Our documents in that folder, by the server's path of each."""
        path = f"/api/v1/documents/folder/{segment(name)}"
        answer = self.server.get(path, expect=(200, 404))
        found = (
            (f"{name}/{item['name']}", identity_of(name, item.get("docSource")))
            for item in answer.get("documents") or ()
        )
        return {docpath: identity for docpath, identity in found if identity}

    def embedded(self, slug: str) -> list[Row]:
        answer = self.server.get(f"/api/v1/workspace/{segment(slug)}")
        # A list with one workspace in it.
        found = answer.get("workspace") or [{}]
        return rows_of((found[0] if isinstance(found, list) else found).get("documents") or ())

    def await_collector(self, seconds: float) -> set[str] | None:
        """The extensions that can be read, as soon as the collector is up; None where it does not come up."""
        end = time.monotonic() + seconds
        while True:
            try:
                types = self.server.get("/api/v1/document/accepted-file-types")["types"]
                return {extension.lower() for extensions in types.values() for extension in extensions}
            except StatusError as error:
                if error.status != 404:
                    raise
            if time.monotonic() >= end:
                return None
            time.sleep(_INTERVAL)

    def upload(self, identity: Identity, name: str, content: bytes) -> str:
        """The server's path of the new document, which is sent under this name; RefusedDocumentError where the server makes nothing of it."""
        metadata = {"title": identity.path, "docSource": identity.mark}
        try:
            answer = self.server.upload(
                f"/api/v1/document/upload/{segment(identity.folder)}",
                name,
                content,
                fields={"metadata": json.dumps(metadata)},
            )
        except StatusError as error:
            if "not online" in error.body:
                raise offline(identity.path) from error
            said = _said(error.body)
            if said is None:
                raise HearthError(f"{identity.path}: {error.message}") from error
            raise RefusedDocumentError(said) from error
        documents = answer.get("documents") or []
        if not answer.get("success") or not documents:
            raise RefusedDocumentError(str(answer.get("error")))
        if len(documents) > 1:
            self.remove([str(document["location"]) for document in documents])
            raise RefusedDocumentError(f"it became {len(documents)} documents")
        if documents[0].get("docSource") != identity.mark:
            raise ProtocolError(
                f"{identity.path}: the server took it and lost the mark by which it is found again. Is it older than 1.12.1?"
            )
        return str(documents[0]["location"])

    def change(self, slug: str, *, adds: Sequence[str] = (), deletes: Sequence[str] = ()) -> list[Row]:
        """Embeds and forgets, and returns what is embedded then. That something fails, only that tells."""
        wanted = {"adds": list(adds), "deletes": list(deletes)}
        answer = self.server.post(f"/api/v1/workspace/{segment(slug)}/update-embeddings", wanted)
        return rows_of((answer.get("workspace") or {}).get("documents") or ())

    def pin(self, slug: str, docpath: str, pinned: bool) -> None:
        path = f"/api/v1/workspace/{segment(slug)}/update-pin"
        self.server.api.send("POST", path, payload={"docPath": docpath, "pinStatus": pinned}).close()

    def remove(self, docpaths: Sequence[str]) -> None:
        for start in range(0, len(docpaths), _BATCH):
            answer = self.server.delete(
                "/api/v1/system/remove-documents", {"names": list(docpaths[start : start + _BATCH])}
            )
            if not answer.get("success"):
                raise ProtocolError(f"The server does not remove documents ({answer.get('message')}).")


class RefusedDocumentError(Exception):
    """The server was there and read the file, and cannot make a document of it."""


def _said(body: str) -> str | None:
    """What the server says about the file; None where it was not the file."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return str(answer["error"]) if isinstance(answer, dict) and answer.get("error") else None


def offline(path: str) -> HearthError:
    return HearthError(
        f"{path} cannot be sent: the server's document processor (the collector, port 8888 in its container) is not online. "
        "It starts some seconds after the server; look at the log of the container where it stays away."
    )
