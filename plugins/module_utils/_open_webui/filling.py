# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the documents of one collection from what they are to what they should be.

A document that cannot be embedded is no reason to keep the others waiting: it is named at the end. An engine that does not answer is one, for it
would fail them all. The server embeds while it is asked again and again whether it is done: a request that waited so long would be cut off, the
server would go on, and the next run would send the same once more.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.readable import READERS, extension
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import detail_of, segment

if TYPE_CHECKING:
    from typing import Callable, Collection, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._documents import Document
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.pieces import Pieces
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server

_FILES = "/api/v1/files/"
_DUPLICATE = "Duplicate content"
# Statuses of the engine that may be the document's fault: too long a piece, or one that it cannot stand.
_OF_THE_DOCUMENT = re.compile(r"^(400|413|422|500), message=")
_OF_THE_ENGINE = re.compile(r"^\d{3}, message=|Cannot connect|[Tt]imeout|disconnected|Connection|^it does not say why$")
# A piece is counted in letters and may be of signs that are three or four tokens each.
_PARTS = (1, 4)


class _RefusedError(Exception):
    """The document's own fault: what to say of it, and the server's own reason."""


class _LikeAnotherError(_RefusedError):
    """The server has the same text in this collection already."""


class Cutter:
    """Sets for each document how long its pieces are, and leaves the server's own length as it was."""

    def __init__(self, server: Server, pieces: Pieces | None, config: Callable[[], Mapping[str, Any]]) -> None:
        self.pieces = pieces
        self._server = server
        self._own = self._now = (0, 0)
        if pieces is not None:
            own = config()
            self._own = self._now = (own["rag.chunk_size"], own["rag.chunk_overlap"])

    def set(self, size: tuple[int, int]) -> None:
        if size != self._now:
            # First unknown: a request that breaks off may have been heard.
            self._now = (0, 0)
            config = {"rag.chunk_size": size[0], "rag.chunk_overlap": size[1]}
            self._server.post("/api/v1/configs/import", {"config": config})
            self._now = size

    def restore(self) -> None:
        self.set(self._own)


class Filling:
    """`files` are those of the collection. Afterwards `failures` has the reason for each document that is not there."""

    def __init__(
        self, server: Server, path: str, identity: str, files: Sequence[Mapping[str, Any]], cutter: Cutter
    ) -> None:
        self._server, self._path, self._id, self._files, self._cutter = server, path, identity, files, cutter
        self._pending: list[dict[str, Any]] = []
        self._directories: dict[str, str] = {}
        self.failures: dict[str, str] = {}

    def fill(
        self,
        before: Mapping[str, str],
        wanted: Mapping[str, str],
        documents: Mapping[str, Document],
        read: Callable[[Document], bytes],
        refused: Mapping[str, str],
    ) -> None:
        lacking = [path for path, state in wanted.items() if before.get(path) != state and path not in refused]
        self.failures.update({path: reason for path, reason in refused.items() if before.get(path) != wanted[path]})
        self._take_up(lacking)
        self._make_directories(wanted)
        there = {state.partition(" ")[0] for state in before.values()}
        # What is new comes first, so that an engine that is down takes nothing away. What has the same bytes or the same text as another has to
        # wait for that to go.
        waiting = [path for path in lacking if documents[path].sha256 in there]
        try:
            for path in lacking:
                if path not in waiting and not self._sent(path, documents[path], read, may_wait=path in before):
                    waiting.append(path)
            if waiting:
                self._prove(lacking, before)
            self._clean_up(before, wanted)
            for path in waiting:
                self._sent(path, documents[path], read, may_wait=False)
        finally:
            self._cutter.restore()
        if set(lacking) - set(self.failures):
            self._prove(lacking, before)

    def _sent(self, path: str, document: Document, read: Callable[[Document], bytes], *, may_wait: bool) -> bool:
        """Whether it is settled: there, or among the failures. False where it has to wait for its older self to go."""
        try:
            self._bring(path, document, read(document))
        except _LikeAnotherError as error:
            if may_wait:
                return False
            self.failures[path] = error.args[0]
        except _RefusedError as error:
            self.failures[path] = error.args[0]
        return True

    def _bring(self, path: str, document: Document, content: bytes) -> None:
        pieces = self._cutter.pieces
        if pieces is None:
            self._embed(path, document, content)
            return
        known = None if extension(path) in READERS else content.decode("utf-8", "replace")
        for parts in _PARTS:
            size = pieces.characters(known, parts)
            self._cutter.set(size)
            try:
                file = self._embed(path, document, content)
            except _LikeAnotherError:
                raise
            except _RefusedError as error:
                if parts == _PARTS[-1] or not _OF_THE_DOCUMENT.search(error.args[1]):
                    raise
                continue
            # What is within a workbook or a PDF is known only when the server has read it.
            read = str((file.get("data") or {}).get("content") or "")
            fitting = pieces.characters(read, parts) if known is None and read else size
            if fitting[0] < size[0] * 3 // 4:
                self._server.delete(f"{_FILES}{segment(file['id'])}")
                self._cutter.set(fitting)
                self._embed(path, document, content)
            return

    def _embed(self, path: str, document: Document, content: bytes) -> Mapping[str, Any]:
        """Sends it, or takes up what an earlier run has sent, and waits until it is embedded."""
        directory, _slash, name = path.rpartition("/")
        place: dict[str, Any] = {"knowledge_id": self._id}
        if directory:
            place["directory_id"] = self._directories[directory]
        if self._cutter.pieces is not None:
            place["pieces"] = self._cutter.pieces.mark
        file = self._taken_up(document, name, place)
        if file is None:
            file = self._sent_to(name, content, place)
        where = f"{_FILES}{segment(file['id'])}"
        self._wait(path, where)
        file = dict(self._server.get(where))
        if (file.get("data") or {}).get("status") == "completed":
            return file
        reason = str((file.get("data") or {}).get("error") or "it does not say why").rstrip(".")
        self._server.delete(where)
        if _DUPLICATE in reason:
            raise _LikeAnotherError("another document says the same in another file; keep one of them", reason)
        if _OF_THE_ENGINE.search(reason) and not _OF_THE_DOCUMENT.search(reason):
            raise HearthError(
                f"{path}: the server cannot embed it ({reason}). Check embedding in hearth.llm.open_webui_settings and that its engine is up, "
                "and look at the server's log. The next run goes on from here.",
                document=path,
            )
        raise _RefusedError(_remedied(path, reason), reason)

    def _sent_to(self, name: str, content: bytes, place: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return dict(
                self._server.upload(
                    _FILES,
                    name,
                    content,
                    fields={"metadata": json.dumps(place)},
                    query={"process": "true", "process_in_background": "true"},
                )
            )
        except StatusError as error:
            # It is larger than rag.file.max_size, or not among rag.file.allowed_extensions.
            if error.status not in (400, 413, 422):
                raise
            reason = detail_of(error) or error.message
            raise _RefusedError(f"the server does not take it ({reason})", reason) from error

    def _wait(self, path: str, where: str) -> None:
        deadline, pause = time.monotonic() + self._server.seconds, 0.05
        while self._server.get(f"{where}/process/status")["status"] in ("pending", "processing"):
            if time.monotonic() > deadline:
                raise HearthError(
                    f"{path}: the server has not embedded it within {self._server.seconds:.0f} s, and goes on with it. Run again, which waits for it "
                    "instead of sending it once more; or raise timeout, or give the embedding model more slots.",
                    document=path,
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 1)

    def _take_up(self, lacking: Collection[str]) -> None:
        """What an earlier run has sent to this collection and did not see embedded; what failed then is removed."""
        # A new server has no files, and no collection that is new there has any.
        if not lacking or (not self._files and self._server.get(f"{_FILES}count") == 0):
            return
        known = {file["id"] for file in self._files}
        for file in self._server.pages(_FILES, "items", content="false"):
            place = (file.get("meta") or {}).get("data") or {}
            if file["id"] in known or place.get("knowledge_id") != self._id:
                continue
            if (file.get("data") or {}).get("status") in ("pending", "processing"):
                self._pending.append(file)
            else:
                self._server.delete(f"{_FILES}{segment(file['id'])}")

    def _taken_up(self, document: Document, name: str, place: Mapping[str, Any]) -> Mapping[str, Any] | None:
        for file in self._pending:
            same = file["filename"] == name and file["meta"].get("file_hash") == document.sha256
            if same and all(file["meta"]["data"].get(key) == value for key, value in place.items()):
                self._pending.remove(file)
                return file
        return None

    def _make_directories(self, wanted: Mapping[str, str]) -> None:
        """The directories that are there now, made where they lack, parents first: their ids by path."""
        there = dict(self._server.post(f"{self._path}/sync/diff", {"manifest": []})["directory_map"])
        for path in sorted({parent for name in wanted for parent in _parents(name)} - set(there)):
            parent, _slash, name = path.rpartition("/")
            made = self._server.post(f"{self._path}/dirs/create", {"name": name, "parent_id": there.get(parent)})
            there[path] = made["id"]
        self._directories = dict(sorted(there.items()))

    def _clean_up(self, before: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        stale = [
            file["id"]
            for file in self._files
            if wanted.get(path_of(file)) != before.get(path_of(file)) and path_of(file) not in self.failures
        ]
        for file in self._pending:
            self._server.delete(f"{_FILES}{segment(file['id'])}")
        orphans = [
            key for path, key in self._directories.items() if not any(name.startswith(f"{path}/") for name in wanted)
        ]
        if stale or orphans:
            self._server.post(f"{self._path}/sync/cleanup", {"file_ids": stale, "dir_ids": orphans})

    def _prove(self, asked: Sequence[str], before: Mapping[str, str]) -> None:
        """That something is found is the only sign that questions are embedded as the documents are."""
        query = {"collection_names": [self._id], "query": next(iter(asked or before)), "k": 1}
        answer = self._server.post("/api/v1/retrieval/query/collection", query)
        if not any(answer.get("documents") or []):
            raise ProtocolError(
                "The documents are embedded, and a question finds none of them. Check embedding in hearth.llm.open_webui_settings."
            )


def path_of(file: Mapping[str, Any]) -> str:
    return f"{file['directory_path']}/{file['filename']}" if file.get("directory_path") else str(file["filename"])


def _remedied(path: str, reason: str) -> str:
    if "content provided is empty" in reason:
        scanned = extension(path) == "pdf"
        return f"there is no text in it{', only pictures of it: have its text recognised (OCR)' if scanned else ''}; remove it, or save it with its text"
    if "decrypted" in reason or "encrypted" in reason:
        return "it is locked with a password; save it without one"
    if "unstructured" in reason:
        return f"this server has no reader for .{extension(path)}; save it as .docx, .pdf or text"
    if _OF_THE_DOCUMENT.search(reason):
        return f"the embedding model does not take it ({reason}); give shorter pieces, or an embedding model with more context_tokens"
    return f"the server cannot read it ({re.sub(r'/[^ ]*/', '', reason)}); save it anew, or as .pdf, .docx or text"


def _parents(path: str) -> list[str]:
    steps = path.split("/")[:-1]
    return ["/".join(steps[: count + 1]) for count in range(len(steps))]
