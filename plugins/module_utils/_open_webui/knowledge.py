# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knowledge: collections of documents, each of them wholly ours.

A document is known by its path and the hash of its bytes, which the server computes itself, and by how it was cut, which we note with it. That
embedding failed the server says nowhere but in the file's own status, and a file that failed belongs to no collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.filling import Cutter, Filling, path_of
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import FIELDS
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.readable import (
    is_medium,
    refused_by_content,
    refused_by_name,
)
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted, remedy
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond

if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._documents import Document, Store
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.pieces import Pieces
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

_LIST = "/api/v1/knowledge/"
_PAGE = 1000
_SHOWN = 30
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
            raise InputError(
                f"{assistant}: there is no knowledge {name}. Make it with hearth.llm.open_webui_knowledge."
            )


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


def troubles(documents: Mapping[str, Document]) -> dict[str, str]:
    """Why documents cannot be read, as far as that was seen where they lie. Whether a picture can be is the server's matter."""
    return {path: found.trouble for path, found in documents.items() if found.trouble and not is_medium(path)}


def readable(documents: Mapping[str, Document]) -> dict[str, Document]:
    return {path: found for path, found in documents.items() if path not in troubles(documents)}


class Collections(Kind):
    """By name. The state's `documents` are hashes by path, with how they are cut; they are read of those collections only whose documents are asked
    for. Afterwards `failures` has, by collection and path, why documents are not there.
    """

    label = "knowledge"

    def __init__(
        self,
        server: Server,
        people: People,
        store: Store | None,
        documents: Mapping[str, Mapping[str, Document]],
        *,
        check_mode: bool,
        pieces: Mapping[str, Pieces | None] | None = None,
        troubles: Mapping[str, Mapping[str, str]] | None = None,
        unlisted: Unlisted | None = None,
    ) -> None:
        self._server, self._people, self._store = server, people, store
        self._check_mode, self._pieces, self._unlisted = check_mode, pieces or {}, unlisted or Unlisted()
        self._raw: dict[str, dict[str, Any]] = {}
        self._files: dict[str, list[dict[str, Any]]] = {}
        self._config: dict[str, Any] = {}
        self.failures: dict[str, dict[str, str]] = {
            name: dict(found) for name, found in (troubles or {}).items() if found
        }
        self._documents = {name: self._readable(name, found) for name, found in documents.items()}

    def wanted(self, name: str) -> dict[str, str] | None:
        """The documents that this collection should have, as states have them."""
        if name not in self._documents:
            return None
        pieces = self._pieces.get(name)
        return {
            path: f"{document.sha256} {pieces.mark}" if pieces else document.sha256
            for path, document in self._documents[name].items()
        }

    def read(self) -> Mapping[str, State]:
        for raw in listed(self._server):
            if raw["name"] in self._raw:
                raise InputError(
                    f"Two knowledge bases are called {raw['name']}, so that nobody knows which is meant. Rename or remove one in the browser."
                )
            self._raw[raw["name"]] = raw
        return {name: self._state(raw) for name, raw in self._raw.items()}

    def check(self, plan: Plan) -> None:
        self._refuse_removals(plan)
        if self._check_mode or self._store is None:
            return
        lacking = {
            (change.key, path): self._documents[change.key][path]
            for change in plan.changes
            for path in _lacking((change.before or {}).get("documents") or {}, change.fields.get("documents") or {})
        }
        self._store.require(lacking.values())
        for (name, path), document in lacking.items():
            reason = refused_by_content(path, self._store.read(document))
            if reason:
                self.failures.setdefault(name, {})[path] = reason

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
        self._remove(key, [file["id"] for file in self._listed(key)])
        self._server.delete(f"{self._path(key)}/delete")

    @property
    def ids(self) -> dict[str, str]:
        return {name: raw["id"] for name, raw in self._raw.items()}

    def _readable(self, name: str, documents: Mapping[str, Document]) -> dict[str, Document]:
        """Without those whose names say that nothing would come of them."""
        media = any(is_medium(path) for path in documents) and bool(self._settings()["rag.content_extraction_engine"])
        reasons = {path: refused_by_name(path, extracts_media=media) for path in documents}
        refused = {path: reason for path, reason in reasons.items() if reason}
        if refused:
            self.failures.setdefault(name, {}).update(refused)
        return {path: document for path, document in documents.items() if path not in refused}

    def _refuse_removals(self, plan: Plan) -> None:
        self._unlisted.refuse("knowledge", plan, "documents")
        for change in plan.changes:
            if change.before is not None and "documents" in change.fields:
                there, wanted = set(change.before["documents"]), set(change.fields["documents"])
                what = f"documents of the knowledge {change.key}"
                refuse_beyond(
                    what,
                    there - wanted,
                    len(there | wanted),
                    self._unlisted.percent_max,
                    remedy("documents"),
                    stays=len(there & wanted),
                )

    def _state(self, raw: Mapping[str, Any]) -> State:
        name = raw["name"]
        return {
            "description": raw["description"],
            **self._people.state(raw["access_grants"]),
            **(
                {"documents": _hashes(self._listed(name), marked=self._pieces.get(name) is not None)}
                if name in self._documents
                else {}
            ),
        }

    def _filled(self, key: str, before: State, fields: State) -> State:
        if "documents" not in fields or self._store is None:
            return self._state(self._raw[key])
        refused = {path: reason for path, reason in self.failures.get(key, {}).items() if path in fields["documents"]}
        cutter = Cutter(self._server, self._pieces.get(key), self._settings)
        filling = Filling(self._server, self._path(key), self._raw[key]["id"], self._listed(key), cutter)
        filling.fill(
            before.get("documents") or {}, fields["documents"], self._documents[key], self._store.read, refused
        )
        if filling.failures:
            self.failures.setdefault(key, {}).update(filling.failures)
        del self._files[key]
        state = self._state(self._raw[key])
        # What failed is told by `failures`, with its reason.
        settled = {path: fields["documents"][path] for path in filling.failures}
        return {**state, "documents": dict(sorted({**state["documents"], **settled}.items()))}

    def _settings(self) -> Mapping[str, Any]:
        if not self._config:
            self._config = self._server.get("/api/v1/configs/export")
        return self._config

    def _remove(self, key: str, files: Sequence[str]) -> None:
        if files:
            self._server.post(f"{self._path(key)}/sync/cleanup", {"file_ids": list(files), "dir_ids": []})

    def _listed(self, key: str) -> list[dict[str, Any]]:
        if key not in self._files:
            self._files[key] = self._server.pages(f"{self._path(key)}/files", "items", limit=_PAGE)
        return self._files[key]

    def _path(self, key: str) -> str:
        return f"{_LIST}{segment(self._raw[key]['id'])}"


def told(failures: Mapping[str, Mapping[str, str]]) -> str:
    """All documents that are not there, each with its reason, in one text."""
    lines = [f"{name}: {path}: {reason}." for name, found in failures.items() for path, reason in sorted(found.items())]
    more = f" And {len(lines) - _SHOWN} more." if len(lines) > _SHOWN else ""
    count = "1 document is" if len(lines) == 1 else f"{len(lines)} documents are"
    return f"{count} not there; all others are. {' '.join(lines[:_SHOWN])}{more}"


def _lacking(before: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return [path for path, state in wanted.items() if before.get(path) != state]


def _hashes(files: Iterable[Mapping[str, Any]], *, marked: bool = False) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for file in files:
        path = path_of(file)
        # Its hash of the text is taken away when an embedding fails, as a new embedding model may make it.
        sha256 = (file["meta"].get("file_hash") if file.get("hash") else NOT_EMBEDDED) or NOT_EMBEDDED
        mark = str((file["meta"].get("data") or {}).get("pieces") or "") if marked else ""
        hashes[path] = TWICE if path in hashes else f"{sha256} {mark}".rstrip()
    return dict(sorted(hashes.items()))
