# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of documents, as they should be in a frontend: which files, with which content, and where their bytes come from.

Files that lie on the controller are described to the module by a manifest, so that a run that has nothing to send sends nothing. Where the
module finds that it needs bytes, it asks for them by `DocumentsNeededError`; the action plugin brings them in one archive and runs the module again.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils import _document_kinds
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, NotYetError

if TYPE_CHECKING:
    from typing import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True)
class Document:
    """One file: its path within the set, with slashes, and its content."""

    path: str
    sha256: str
    size: int
    # Why nothing can be read from it; empty where nothing speaks against it.
    trouble: str = ""
    # Whether it reads as text, whatever its name says.
    text: bool = False


class DocumentsNeededError(NotYetError):
    """The bytes of these documents are not on the host."""

    def __init__(self, hashes: Sequence[str]) -> None:
        super().__init__("documents are needed from the controller", needed=list(hashes))


def spec() -> dict[str, Any]:
    """The options of the documentation fragment hearth.llm.documents."""
    return {
        "remote_src": {"type": "bool", "default": False},
        "manifests": {"type": "list", "elements": "raw"},
        "archive": {"type": "path"},
    }


class Store:
    """The sets that a task names, in its order, and the bytes of their documents.

    Files that cannot even be opened are refused, all of them by name; or left to the caller, where it is `tolerant`. What else speaks against a
    document, the caller judges.
    """

    def __init__(
        self, items: Sequence[Mapping[str, Any]], params: Mapping[str, Any], *, tolerant: bool = False
    ) -> None:
        manifests = params["manifests"] or [None] * len(items)
        self._archive = params["archive"]
        self._places: dict[str, str] = {}
        self.sets: list[dict[str, Document] | None] = [
            self._of_host(item["src"]) if params["remote_src"] else _of_manifest(manifest)
            for item, manifest in zip(items, manifests)
        ]
        bad = [document for documents in self.sets for document in (documents or {}).values() if not document.sha256]
        if bad and not tolerant:
            raise InputError(f"src: {troubles(bad)}")

    def require(self, documents: Iterable[Document]) -> None:
        """Raises DocumentsNeededError unless the bytes of all these documents can be read here."""
        if self._archive is None:
            lacking = sorted({document.sha256 for document in documents} - set(self._places))
            if lacking:
                raise DocumentsNeededError(lacking)

    def read(self, document: Document) -> bytes:
        """The bytes, which are what was described; InputError where the file has changed since."""
        if self._archive is not None:
            with zipfile.ZipFile(self._archive) as archive:
                content = archive.read(document.sha256)
        else:
            with open(self._places[document.sha256], "rb") as file:
                content = file.read()
        if hashlib.sha256(content).hexdigest() != document.sha256:
            raise InputError(f"{document.path}: the file changed while it was read. Run again when nobody writes it.")
        return content

    def _of_host(self, src: str | None) -> dict[str, Document] | None:
        if src is None:
            return None
        documents = {}
        for path, place in walk(src):
            documents[path] = describe(path, place)
            self._places[documents[path].sha256] = place
        return documents


def walk(src: str) -> Iterator[tuple[str, str]]:
    """Each file of a directory, or the one file: its path within the set, and where it lies. Hidden ones are left out."""
    if os.path.isfile(src):
        yield os.path.basename(src), src
        return
    if not os.path.isdir(src):
        raise InputError(f"src: {src} is neither a directory nor a file. Check the path, and that it may be read.")
    for directory, subdirectories, names in os.walk(src, onerror=_unreadable):
        subdirectories[:] = sorted(name for name in subdirectories if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                place = os.path.join(directory, name)
                yield os.path.relpath(place, src).replace(os.sep, "/"), place


def _unreadable(error: OSError) -> None:
    """A directory that cannot be listed must not look like an empty one."""
    raise InputError(f"src: {error.filename} cannot be read: {error.strerror}. Let it be read, or take it out of src.")


def describe(path: str, place: str) -> Document:
    """The file as it is, with what speaks against it: one that cannot be read must not stop the others."""
    try:
        with open(place, "rb") as file:
            content = file.read()
    except OSError as error:
        return Document(path, "", 0, f"cannot be read ({error.strerror}). Let it be read, or remove it")
    return Document(
        path,
        hashlib.sha256(content).hexdigest(),
        len(content),
        _document_kinds.trouble(path, content),
        _document_kinds.is_text(content[:4096]),
    )


def troubles(documents: Iterable[Document]) -> str:
    """One sentence for each of them."""
    return " ".join(f"{document.path} {document.trouble}." for document in documents)


def _of_manifest(manifest: Any) -> dict[str, Document] | None:
    if manifest is None:
        return None
    return {
        entry["path"]: Document(
            entry["path"], entry["sha256"], entry["size"], entry.get("trouble", ""), entry.get("text", False)
        )
        for entry in manifest
    }
