# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knowledge: collections of documents, each of them wholly ours.

A document is known by its path and the hash of its bytes, which the server computes itself. It is told to embed a file while it is sent;
that this failed it says nowhere but in the file's own status, and a file that failed belongs to no collection.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import FIELDS
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._documents import Document, Store
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

_LIST = "/api/v1/knowledge/"
_PAGE = 1000
# Shown instead of a hash.
NOT_EMBEDDED = "not embedded"
TWICE = "twice"


def listed(server: Server) -> list[dict[str, Any]]:
    return server.pages(_LIST, "items")


def check_names(assistant: str, names: Sequence[str], there: Sequence[str], *, lenient: bool) -> None:
    """That each name is that of one knowledge; `lenient`, where this run may make it."""
    for name in names:
        count = there.count(name)
        if count > 1:
            raise InputError(f"{assistant}: {count} knowledge bases are called {name}. Remove or rename all but one.")
        if not count and not lenient:
            raise InputError(f"{assistant}: there is no knowledge {name}. Make it with hearth.llm.openwebui_knowledge.")


def once(documents: Mapping[str, Document]) -> tuple[dict[str, Document], dict[str, str]]:
    """The documents without those that say what another one says, and for each of these the other one.

    The server refuses the same content twice within one collection.
    """
    kept: dict[str, Document] = {}
    duplicates: dict[str, str] = {}
    paths: dict[str, str] = {}
    for path, document in sorted(documents.items()):
        if document.sha256 in paths:
            duplicates[path] = paths[document.sha256]
        else:
            paths[document.sha256] = path
            kept[path] = document
    return kept, duplicates


class Collections(Kind):
    """By name. The state's `documents` are hashes by path; they are read of those collections only whose documents are asked for."""

    label = "knowledge"

    def __init__(
        self,
        server: Server,
        people: People,
        store: Store | None,
        documents: Mapping[str, Mapping[str, Document]],
        *,
        check_mode: bool,
    ) -> None:
        self._server, self._people, self._store = server, people, store
        self._documents, self._check_mode = documents, check_mode
        self._raw: dict[str, dict[str, Any]] = {}
        self._files: dict[str, list[dict[str, Any]]] = {}

    def read(self) -> Mapping[str, State]:
        for raw in listed(self._server):
            if raw["name"] in self._raw:
                raise InputError(
                    f"Two knowledge bases are called {raw['name']}, so that nobody knows which is meant. Rename or remove one in the browser."
                )
            self._raw[raw["name"]] = raw
        return {name: self._state(raw) for name, raw in self._raw.items()}

    def check(self, plan: Plan) -> None:
        if self._check_mode or self._store is None:
            return
        self._store.require(
            self._documents[change.key][path]
            for change in plan.changes
            for path in _lacking((change.before or {}).get("documents") or {}, change.fields.get("documents") or {})
        )

    def create(self, key: str, wanted: State) -> State:
        self._raw[key] = self._server.post(
            f"{_LIST}create",
            {
                "name": key,
                "description": wanted.get("description", ""),
                "access_grants": self._people.grants(wanted, []),
            },
        )
        return self._filled(key, {}, wanted)

    def update(self, key: str, before: State, fields: State) -> State:
        raw = self._raw[key]
        if "description" in fields:
            answer = self._server.post(f"{self._path(key)}/update", {"name": key, "description": fields["description"]})
            self._raw[key] = {**raw, "description": answer["description"]}
        if set(fields) & set(FIELDS):
            grants = self._people.grants({**before, **fields}, raw["access_grants"])
            answer = self._server.post(f"{self._path(key)}/access/update", {"access_grants": grants})
            self._raw[key] = {**self._raw[key], "access_grants": answer["access_grants"]}
        return self._filled(key, before, fields)

    def delete(self, key: str, _before: State) -> None:
        # The documents would stay behind, belonging to nothing.
        self._remove(key, [file["id"] for file in self._listed(key)], [])
        self._server.delete(f"{self._path(key)}/delete")

    @property
    def ids(self) -> dict[str, str]:
        return {name: raw["id"] for name, raw in self._raw.items()}

    def _state(self, raw: Mapping[str, Any]) -> State:
        name = raw["name"]
        return {
            "description": raw["description"],
            **self._people.state(raw["access_grants"]),
            **({"documents": _hashes(self._listed(name))} if name in self._documents else {}),
        }

    def _filled(self, key: str, before: State, fields: State) -> State:
        if "documents" in fields and self._store is not None:
            _Filling(self._server, self._path(key), self._raw[key]["id"], self._listed(key)).fill(
                before.get("documents") or {}, self._documents[key], self._store
            )
            del self._files[key]
        return self._state(self._raw[key])

    def _remove(self, key: str, files: Sequence[str], directories: Sequence[str]) -> None:
        if files or directories:
            self._server.post(
                f"{self._path(key)}/sync/cleanup", {"file_ids": list(files), "dir_ids": list(directories)}
            )

    def _listed(self, key: str) -> list[dict[str, Any]]:
        if key not in self._files:
            self._files[key] = self._server.pages(f"{self._path(key)}/files", "items", limit=_PAGE)
        return self._files[key]

    def _path(self, key: str) -> str:
        return f"{_LIST}{segment(self._raw[key]['id'])}"


class _Filling:
    """Brings the documents of one collection from what they are to what they should be."""

    def __init__(self, server: Server, path: str, identity: str, files: Sequence[Mapping[str, Any]]) -> None:
        self._server, self._path, self._id, self._files = server, path, identity, files

    def fill(self, before: Mapping[str, str], wanted: Mapping[str, Document], store: Store) -> None:
        hashes = {path: document.sha256 for path, document in wanted.items()}
        lacking = _lacking(before, hashes)
        stale = [file["id"] for file in self._files if hashes.get(_path_of(file)) != before.get(_path_of(file))]
        there = self._directories(wanted)
        # What is new comes first, so that an engine that is down takes nothing away. What only moved has to wait for its other self to go.
        moved = [path for path in lacking if wanted[path].sha256 in before.values()]
        for path in lacking:
            if path not in moved:
                self._send(path, store.read(wanted[path]), there)
        orphans = [key for path, key in there.items() if not any(name.startswith(f"{path}/") for name in wanted)]
        if stale or orphans:
            self._server.post(f"{self._path}/sync/cleanup", {"file_ids": stale, "dir_ids": orphans})
        for path in moved:
            self._send(path, store.read(wanted[path]), there)
        if lacking:
            self._prove(wanted)

    def _directories(self, wanted: Mapping[str, Document]) -> dict[str, str]:
        """The directories that are there now, made where they lack, parents first: their ids by path."""
        there = dict(self._server.post(f"{self._path}/sync/diff", {"manifest": []})["directory_map"])
        for path in sorted({parent for name in wanted for parent in _parents(name)} - set(there)):
            parent, _slash, name = path.rpartition("/")
            made = self._server.post(f"{self._path}/dirs/create", {"name": name, "parent_id": there.get(parent)})
            there[path] = made["id"]
        return dict(sorted(there.items()))

    def _send(self, path: str, content: bytes, directories: Mapping[str, str]) -> None:
        directory, _slash, name = path.rpartition("/")
        place = {"knowledge_id": self._id, **({"directory_id": directories[directory]} if directory else {})}
        file = self._server.upload(
            "/api/v1/files/",
            name,
            content,
            fields={"metadata": json.dumps(place)},
            query={"process": "true", "process_in_background": "false"},
        )
        where = f"/api/v1/files/{segment(file['id'])}"
        if self._server.get(f"{where}/process/status")["status"] == "completed":
            return
        reason = str((self._server.get(where).get("data") or {}).get("error") or "it does not say why")
        self._server.delete(where)
        raise HearthError(
            f"{path}: the server cannot embed it ({reason.rstrip('.')}). {_remedy(reason)}", document=path
        )

    def _prove(self, wanted: Mapping[str, Document]) -> None:
        """That something is found is the only sign that questions are embedded as the documents are."""
        query = {"collection_names": [self._id], "query": next(iter(wanted)), "k": 1}
        answer = self._server.post("/api/v1/retrieval/query/collection", query)
        if not any(answer.get("documents") or []):
            raise ProtocolError(
                "The documents are embedded, and a question finds none of them. Check embedding in hearth.llm.openwebui_settings."
            )


def _remedy(reason: str) -> str:
    if "Duplicate content" in reason:
        return "Another document says the same in another file; keep one of them."
    if "content provided is empty" in reason:
        return "There is no text in it; remove it, or save it with its text."
    return "Check embedding in hearth.llm.openwebui_settings and that its engine is up, and look at the server's log. The next run goes on from here."


def _lacking(before: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return [path for path, sha256 in wanted.items() if before.get(path) != sha256]


def _hashes(files: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for file in files:
        path = _path_of(file)
        # Its hash of the text is taken away when an embedding fails, as a new embedding model may make it.
        sha256 = file["meta"].get("file_hash") if file.get("hash") else NOT_EMBEDDED
        hashes[path] = TWICE if path in hashes else sha256 or NOT_EMBEDDED
    return dict(sorted(hashes.items()))


def _path_of(file: Mapping[str, Any]) -> str:
    return f"{file['directory_path']}/{file['filename']}" if file.get("directory_path") else str(file["filename"])


def _parents(path: str) -> list[str]:
    steps = path.split("/")[:-1]
    return ["/".join(steps[: count + 1]) for count in range(len(steps))]
