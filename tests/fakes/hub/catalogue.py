# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories, their commits, and the bytes of their files."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Content = bytes | str | Path
LARGE_SUFFIXES = (".gguf", ".safetensors", ".bin")
LARGE_BYTES = 1 << 20


@dataclass(frozen=True)
class Blob:
    repository: str
    path: str
    file: Path
    size: int
    sha256: str
    # The name that git gives to the content.
    oid: str

    @property
    def large(self) -> bool:
        return self.path.endswith(LARGE_SUFFIXES) or self.size >= LARGE_BYTES


@dataclass
class Repository:
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    # None: open to all. Else the tokens that may read; others that the hub knows get 403.
    readers: set[str] | None = None
    # A mirror's: "names" lists and serves files, and tells nothing of them; "etags" tells the hub's names for their content with each file.
    terse: str = ""


class Catalogue:
    def __init__(self, root: Path) -> None:
        self.blobs = root / ".blobs"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.repositories: dict[str, Repository] = {}

    def publish(self, repository: str, files: Mapping[str, Content], branch: str = "main") -> str:
        """A commit with exactly these files becomes the branch's head; earlier commits stay."""
        blobs = {path: self._blob(repository, path, content) for path, content in files.items()}
        listing = "".join(f"{blob.oid} {path}\n" for path, blob in sorted(blobs.items()))
        commit = hashlib.sha1(listing.encode()).hexdigest()
        known = self.repositories.setdefault(repository, Repository())
        known.commits[commit] = blobs
        known.branches[branch] = commit
        return commit

    def publish_tree(self, root: Path) -> None:
        """Every <root>/<owner>/<repository>/ becomes the head of main."""
        for directory in sorted(path for path in root.glob("[!.]*/*") if path.is_dir()):
            files = {str(path.relative_to(directory)): path for path in sorted(directory.rglob("*")) if path.is_file()}
            self.publish(str(directory.relative_to(root)), files)

    def find(self, repository: str, revision: str) -> tuple[str, dict[str, Blob]] | None:
        known = self.repositories.get(repository)
        commit = known.branches.get(revision, revision) if known else ""
        return (commit, known.commits[commit]) if known and commit in known.commits else None

    def by_sha256(self, sha256: str) -> Blob | None:
        blobs = (
            blob
            for repository in self.repositories.values()
            for files in repository.commits.values()
            for blob in files.values()
        )
        return next((blob for blob in blobs if blob.sha256 == sha256), None)

    def _blob(self, repository: str, path: str, content: Content) -> Blob:
        sha256 = hashlib.sha256()
        if isinstance(content, Path):
            size = content.stat().st_size
            git = hashlib.sha1(b"blob %d\0" % size)
            with content.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    sha256.update(chunk)
                    git.update(chunk)
        else:
            body = content.encode() if isinstance(content, str) else content
            size, git = len(body), hashlib.sha1(b"blob %d\0" % len(body) + body)
            sha256.update(body)
        there = self.blobs / sha256.hexdigest()
        if not there.exists():
            aside = there.with_suffix(".new")
            if isinstance(content, Path):
                try:
                    os.link(content, aside)
                except OSError:
                    shutil.copyfile(content, aside)
            else:
                aside.write_bytes(body)
            aside.rename(there)
        return Blob(repository, path, there, size, sha256.hexdigest(), git.hexdigest())


def model_info(
    repository: str, commit: str, files: Mapping[str, Blob], *, gated: bool, terse: bool = False
) -> dict[str, Any]:
    """What /api/models/<repository>/revision/<revision>?blobs=true answers."""
    siblings = []
    for path, blob in sorted(files.items()):
        entry: dict[str, Any] = {"rfilename": path, "blobId": blob.oid, "size": blob.size}
        if blob.large:
            entry["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": 135}
        siblings.append({"rfilename": path} if terse else entry)
    return {
        "id": repository,
        "modelId": repository,
        "sha": commit,
        "gated": "auto" if gated else False,
        "siblings": siblings,
        **({"cardData": card} if (card := card_data(files)) else {}),
    }


def card_data(files: Mapping[str, Blob]) -> dict[str, Any]:
    """The hub reads what stands at the head of README.md, between two lines of dashes."""
    text = files["README.md"].file.read_text() if "README.md" in files else ""
    return yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else {}
