# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents on their way: sent once to a folder of the library, embedded in batches in each workspace, and proven to be there.

What nothing can be read from does not stop the others: it is left out, what is there of it stays, and it is named at the end.
"""

from __future__ import annotations

import os
import re
import socket
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils import _document_text
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import splitter, workspaces
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
    RefusedDocumentError,
    offline,
)
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, TransportError
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.library import Row
    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._documents import Document, Store

# What is embedded in one request: few requests, and none that takes an hour.
BATCH, BATCH_BYTES = 25, 256 * 1024
# How often a server that did not answer in time is asked how far it is, seconds.
INTERVAL = 1.0


class Documents:
    """The items of a task against one server. `expected`: workspaces that are about to be made."""

    def __init__(
        self,
        server: Server,
        store: Store,
        cut: splitter.Splitter,
        *,
        expected: Sequence[str] = (),
        embedding_timeout: float,
        removal_percent_max: int,
    ) -> None:
        self.library, self.store, self.cut = Library(server), store, cut
        self.server, self.expected = server, expected
        self.embedding_timeout, self.removal_percent_max = embedding_timeout, removal_percent_max
        self._documents: dict[Identity, Document] = {}
        # Why a file is left out, by its place; and what the server did not embed, by workspace.
        self.unreadable: dict[str, str] = {}
        self.not_embedded: dict[str, list[str]] = {}
        # Extensions that the server reads, as soon as it was asked.
        self.known: set[str] = set()

    def run(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        prune_folders: Sequence[str],
        collector_timeout: float,
        check_mode: bool,
    ) -> dict[str, Any]:
        there = workspaces.listed(self.server)
        targets = self._targets(items, there)
        for target in targets:
            target.rows = self.library.embedded(target.slug) if target.slug else ()
        folders = {identity.folder for target in targets for identity in target.wanted} | set(prune_folders)
        library: dict[str, Identity] = {}
        for folder in sorted(folders):
            library.update(self.library.folder(folder))
        places = located(targets, library)
        self._leave_out_unknown_kinds(targets, places, 0 if check_mode else collector_timeout, check_mode=check_mode)
        removed = self._removed(targets, library, prune_folders, there)
        self._check_removals(targets, library, removed)
        uploads = _uploads(targets, places)
        result = summary(targets, removed)
        if not check_mode and result["changed"]:
            self.store.require(self._documents[identity] for identity in uploads)
            uploads = [identity for identity in uploads if self._upload(targets, identity, places)]
            try:
                for target in targets:
                    self._embed(target, places)
            finally:
                self.cut.restore()
            # What could not be sent or embedded keeps what it would have replaced.
            removed = self._removed(targets, library, prune_folders, there)
            result = summary(targets, removed)
            self.library.remove(removed)
            self._prove_all(targets)
        return self._judged({**result, "uploaded": [identity.place for identity in uploads]})

    def _targets(self, items: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> list[Target]:
        targets: dict[str, Target] = {}
        for item, documents in zip(items, self.store.sets):
            check_folder(item["folder"])
            target = self._target(item, there)
            if target is None:
                continue
            target = targets.setdefault(target.slug or target.name, target)
            target.exclusive = target.exclusive or item["exclusive"] or item["state"] == "absent"
            target.forgets = target.forgets or item["state"] == "absent"
            if item["state"] == "absent":
                continue
            if documents is None:
                raise InputError(f"workspaces, {item['workspace']}: there is no src. Say where its documents are.")
            wanted = {_identity(item, document): document for document in documents.values()}
            self._documents.update(wanted)
            target.add(wanted, item["pinned"])
            self._leave_out(
                targets.values(),
                {identity: document.trouble for identity, document in wanted.items() if document.trouble},
            )
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
        self,
        targets: Sequence[Target],
        library: Mapping[str, Identity],
        pruned: Sequence[str],
        there: Sequence[Mapping[str, Any]],
    ) -> list[str]:
        """What leaves the library: nothing that any other workspace knows."""
        found = unneeded(targets, library, pruned)
        if not found:
            return []
        ours = {target.slug for target in targets}
        others = [row["slug"] for row in there if row["slug"] not in ours]
        known = [row.docpath for slug in others for row in self.library.embedded(slug)]
        return unneeded(targets, library, pruned, known)

    def _check_removals(
        self, targets: Sequence[Target], library: Mapping[str, Identity], removed: Sequence[str]
    ) -> None:
        for target in targets:
            target.check_removals(self.removal_percent_max)
        if any(target.forgets for target in targets):
            return
        wanted = {identity.place for target in targets for identity in target.wanted}
        there = {identity.place for identity in library.values()}
        going = {library[docpath].place for docpath in removed if docpath in library} - wanted
        refuse_beyond(
            "documents of the library",
            going,
            len(there | wanted),
            self.removal_percent_max,
            "set removal_percent_max to 100",
            stays=len(there & wanted),
        )

    def _leave_out(self, targets: Any, reasons: Mapping[Identity, str]) -> None:
        self.unreadable.update({identity.place: reason for identity, reason in reasons.items()})
        for target in targets:
            target.without(reasons)

    def _leave_out_unknown_kinds(
        self, targets: Sequence[Target], places: Mapping[Identity, str], seconds: float, *, check_mode: bool
    ) -> None:
        """Whatever reads as text can be sent as text; of the rest the server says what it reads."""
        uploads = _uploads(targets, places)
        if not uploads:
            return
        known = self.library.await_collector(seconds)
        if known is None:
            if check_mode:
                return
            raise offline(uploads[0].path)
        self._leave_out(
            targets,
            {
                identity: f"is of a kind that the server cannot read ({_extension(identity) or 'without extension'}). Convert it, or remove it"
                for identity in uploads
                if not self._documents[identity].text and _extension(identity) not in known
            },
        )
        self.known = known

    def _upload(self, targets: Sequence[Target], identity: Identity, places: dict[Identity, str]) -> bool:
        try:
            content = self.store.read(self._documents[identity])
            converted = _document_text.is_converted(identity.path)
            if converted:
                content = _document_text.text_of(identity.path, content)
            as_text = converted or _extension(identity) not in self.known
            # The server takes two dots for the way to another directory.
            name = re.sub(r"\.{2,}", ".", os.path.basename(identity.path) + (".txt" if as_text else ""))
            places[identity] = self.library.upload(identity, name, content)
        except _document_text.UnreadableError as error:
            self._leave_out(targets, {identity: str(error)})
        except RefusedDocumentError as error:
            self._leave_out(
                targets, {identity: f"is refused by the server ({error}). Correct or convert it, or remove it"}
            )
        return identity in places

    def _embed(self, target: Target, places: Mapping[Identity, str]) -> None:
        """What is new comes first, what is replaced goes last: nobody is without in between."""
        slug = str(target.slug)
        adds = target.adds()
        for batch in self._batches(adds):
            self.cut.use(batch[0].how)
            known = {row.identity for row in self._add(slug, [places[identity] for identity in batch])}
            lacking = [identity for identity in batch if identity not in known]
            target.without(lacking)
            self.not_embedded.setdefault(target.name, []).extend(identity.path for identity in lacking)
        surplus, pins = target.surplus(), target.pins()
        if surplus:
            self.library.change(slug, deletes=[row.docpath for row in surplus])
        own = {row.identity: row.docpath for row in target.rows}
        for identity in pins:
            self.library.pin(slug, own.get(identity) or places[identity], bool(target.wanted[identity]))

    def _batches(self, adds: Sequence[Identity]) -> Iterator[list[Identity]]:
        """Alike in how they are cut, and not too much at once."""
        batch: list[Identity] = []
        size = 0
        for identity in sorted(adds, key=lambda identity: identity.how):
            size += self._documents[identity].size
            if batch and (len(batch) == BATCH or size > BATCH_BYTES or identity.how != batch[0].how):
                yield batch
                batch, size = [], self._documents[identity].size
            batch.append(identity)
        if batch:
            yield batch

    def _add(self, slug: str, docpaths: Sequence[str]) -> Sequence[Row]:
        """A server that does not answer in time goes on embedding: it is asked how far it is, and not told again."""
        try:
            return self.library.change(slug, adds=docpaths)
        except TransportError as error:
            if not isinstance(error.__cause__, (TimeoutError, socket.timeout)):
                raise
        missing, end = len(docpaths) + 1, 0.0
        while True:
            rows = self.library.embedded(slug)
            known = {row.docpath for row in rows}
            left = sum(docpath not in known for docpath in docpaths)
            if left < missing:
                missing, end = left, time.monotonic() + self.embedding_timeout
            if not left or time.monotonic() >= end:
                return rows
            time.sleep(INTERVAL)

    def _prove_all(self, targets: Sequence[Target]) -> None:
        """After the last change: everything that is wanted is there, once, and nothing else of ours where nothing else is wanted."""
        for target in targets:
            if not target.adds() and not target.surplus() and not target.pins():
                continue
            target.rows = self.library.embedded(str(target.slug))
            twice = [row for row in target.surplus() if row.identity in target.wanted]
            if twice:
                # An embedding of an earlier run came to its end meanwhile.
                target.rows = self.library.change(str(target.slug), deletes=[row.docpath for row in twice])
            lacking = target.adds()
            target.without(lacking)
            self.not_embedded.setdefault(target.name, []).extend(identity.path for identity in lacking)

    def _judged(self, result: dict[str, Any]) -> dict[str, Any]:
        failures = [
            f"workspace {name}: the server accepted and did not embed {_some(paths)}. Check EmbeddingEngine, EmbeddingBasePath, "
            "EmbeddingModelPref and the key, and that no piece is longer than the embedder takes (the native embedder fetches its model from the "
            "Internet); the reason is in the log of the container. The documents are in its library, and the next run embeds them."
            for name, paths in self.not_embedded.items()
            if paths
        ]
        failures += [f"{place.partition('/')[2]} {reason}." for place, reason in sorted(self.unreadable.items())]
        return {**result, "failures": failures}


def _uploads(targets: Sequence[Target], places: Mapping[Identity, str]) -> list[Identity]:
    lacking = (identity for target in targets for identity in target.adds() if identity not in places)
    return list(dict.fromkeys(lacking))


def _identity(item: Mapping[str, Any], document: Document) -> Identity:
    parts = (
        "text" if _document_text.is_converted(document.path) else "",
        splitter.describe(item["chunk_size"], item["chunk_overlap"]),
    )
    return Identity(item["folder"], document.path, document.sha256, ",".join(part for part in parts if part))


def _extension(identity: Identity) -> str:
    return os.path.splitext(identity.path)[1].lower()


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
