# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents on their way: sent once to a folder of the library, embedded in batches in each workspace, and proven to be there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import workspaces
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.collection import (
    Target,
    check_folder,
    located,
    summary,
    unneeded,
)
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.library import (
    Identity,
    Library,
    offline,
    unsupported,
)
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.library import Row
    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._documents import Document, Store

# Documents that are embedded in one request: few requests, and none that takes an hour.
BATCH = 25


class Documents:
    """The items of a task against one server. `expected`: workspaces that are about to be made."""

    def __init__(self, server: Server, store: Store, *, expected: Sequence[str] = ()) -> None:
        self.library, self.store = Library(server), store
        self.server, self.expected = server, expected
        self._documents: dict[Identity, Document] = {}

    def run(self, items: Sequence[Mapping[str, Any]], *, collector_timeout: float, check_mode: bool) -> dict[str, Any]:
        there = workspaces.listed(self.server)
        targets = self._targets(items, there)
        for target in targets:
            target.rows = self.library.embedded(target.slug) if target.slug else ()
        folders = {identity.folder for target in targets for identity in target.wanted}
        library: dict[str, Identity] = {}
        for folder in sorted(folders):
            library.update(self.library.folder(folder))
        places = located(targets, library)
        uploads = [identity for target in targets for identity in target.adds() if identity not in places]
        uploads = list(dict.fromkeys(uploads))
        removed = self._removed(targets, library, there)
        result = {**summary(targets, removed), "uploaded": [identity.place for identity in uploads]}
        if uploads:
            self._check_types(uploads, 0 if check_mode else collector_timeout, check_mode=check_mode)
        if not check_mode and result["changed"]:
            self.store.require(self._documents[identity] for identity in uploads)
            for identity in uploads:
                places[identity] = self.library.upload(identity, self.store.read(self._documents[identity]))
            for target in targets:
                self._embed(target, places)
            self.library.remove(removed)
        return result

    def _targets(self, items: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> list[Target]:
        targets: dict[str, Target] = {}
        for item, documents in zip(items, self.store.sets):
            check_folder(item["folder"])
            target = self._target(item, there)
            if target is None:
                continue
            target = targets.setdefault(target.slug or target.name, target)
            target.exclusive = target.exclusive or item["exclusive"] or item["state"] == "absent"
            if item["state"] == "absent":
                continue
            if documents is None:
                raise InputError(f"workspaces, {item['workspace']}: there is no src. Say where its documents are.")
            target.add(item["folder"], documents.values(), item["pinned"])
            for document in documents.values():
                self._documents[Identity(item["folder"], document.path, document.sha256)] = document
        return list(targets.values())

    def _target(self, item: Mapping[str, Any], there: Sequence[Mapping[str, Any]]) -> Target | None:
        name = item["workspace"]
        row = workspaces.find(there, name, name if any(row["slug"] == name for row in there) else None)
        if row is None and item["state"] == "present" and name not in self.expected:
            raise InputError(
                f"workspaces: there is no workspace {name}. Make it with hearth.llm.anythingllm_workspace first."
            )
        if row is None and item["state"] == "absent":
            return None
        return Target(name, row["slug"] if row else None)

    def _removed(
        self, targets: Sequence[Target], library: Mapping[str, Identity], there: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """What leaves the library: nothing that any other workspace knows."""
        found = unneeded(targets, library)
        if not found:
            return []
        ours = {target.slug for target in targets}
        others = [row["slug"] for row in there if row["slug"] not in ours]
        return unneeded(targets, library, [row.docpath for slug in others for row in self.library.embedded(slug)])

    def _check_types(self, uploads: Sequence[Identity], seconds: float, *, check_mode: bool) -> None:
        known = self.library.await_collector(seconds)
        if known is None:
            if check_mode:
                return
            raise offline(uploads[0].path)
        for identity in uploads:
            if os.path.splitext(identity.path)[1].lower() not in known:
                raise unsupported(identity.path)

    def _embed(self, target: Target, places: Mapping[Identity, str]) -> None:
        """What is new comes first, what is replaced goes last: nobody is without in between."""
        adds, surplus, pins = target.adds(), target.surplus(), target.pins()
        slug = str(target.slug)
        for start in range(0, len(adds), BATCH):
            batch = adds[start : start + BATCH]
            rows = self.library.change(slug, adds=[places[identity] for identity in batch])
            _prove(target, batch, rows)
        if surplus:
            self.library.change(slug, deletes=[row.docpath for row in surplus])
        own = {row.identity: row.docpath for row in target.rows}
        for identity in pins:
            self.library.pin(slug, own.get(identity) or places[identity], bool(target.wanted[identity]))
        if adds or surplus or pins:
            _prove(target, list(target.wanted), self.library.embedded(slug))


def _prove(target: Target, wanted: Sequence[Identity], rows: Sequence[Row]) -> None:
    """The server answers 200 to an embedding that failed: what is there tells."""
    known = {row.identity for row in rows}
    lacking = [identity.path for identity in wanted if identity not in known]
    if lacking:
        shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        raise HearthError(
            f"workspace {target.name}: the server accepted and did not embed {shown}. Check EmbeddingEngine, EmbeddingBasePath, "
            "EmbeddingModelPref and the key (the native embedder fetches its model from the Internet); the reason is in the log of the container. "
            "The documents are in its library, and the next run embeds them."
        )
