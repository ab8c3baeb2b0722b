# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may write as a source, and which files of a repository it means."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass
from typing import Sequence
from urllib.parse import unquote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch import copies
from ansible_collections.hearth.llm.plugins.module_utils._http import safe_url
from ansible_collections.hearth.llm.plugins.module_utils._hub import HUB, SOURCE, meant

SPLIT = re.compile(r"-(?P<part>\d{5})-of-(?P<count>\d{5})(?=\.gguf\Z)")
# x.gguf.part1of2, x.gguf.part-00001, x.gguf-split-a, x.gguf.split-aa, x.gguf.001, x.part2of3.gguf
_PIECE = re.compile(
    r"(?:[._-](?:part|split|chunk|piece)[._-]?(?:\d+(?:[._-]?of[._-]?\d+)?|[a-z]{1,2})"
    r"|(?<=\.gguf)[._-](?:\d{1,5}|\d+[._-]?of[._-]?\d+|[a-d]?[a-z])"
    # As split names them that is given the file's own name for a prefix: x.ggufaa, x.gguf00
    r"|(?<=\.gguf)(?:[a-d][a-z]|\d{2,4})"
    r"|(?<=\.safetensors)[._-](?:\d{1,5}|\d+[._-]?of[._-]?\d+|[a-d]?[a-z])"
    r"|\.0\d\d"
    r"|[._-]part[._-]?\d+[._-]?of[._-]?\d+(?P<end>\.gguf|\.safetensors))\Z",
    re.IGNORECASE,
)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_WILD = re.compile(r"[*?\[]")

FORMS = "hf://owner/repository[@revision][/path or glob], https://host/path or file:///path"


@dataclass(frozen=True)
class File:
    """One file of a model: where it belongs, where it comes from, and what it has to be."""

    # Below the model's directory.
    path: str
    # The path in the repository, the address, or the path on this host.
    origin: str
    bytes: int
    # Empty where nobody knows it before the file was fetched.
    sha256: str = ""
    # The hub's name for what is not in large-file storage.
    git_sha1: str = ""
    # What must not change at the origin while the file is fetched: ETag, Last-Modified, or the time of change of a file.
    validator: str = ""


@dataclass(frozen=True)
class Source:
    text: str
    # hf, web or file
    kind: str
    repository: str = ""
    revision: str = ""
    pattern: str = ""
    files: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """How lock files and the host's records name it: without secrets, with what narrows it."""
        shown = self.text if self.kind == "hf" else safe_url(self.text)
        return f"{shown} [{' '.join(self.files)}]" if self.files else shown

    @property
    def is_commit(self) -> bool:
        return bool(_COMMIT.match(self.revision))

    @property
    def whole(self) -> bool:
        """Whether it means a repository rather than files of it."""
        return bool(self.files) or (self.kind == "hf" and not self.pattern)

    @property
    def path(self) -> str:
        """Of a file or directory of this host."""
        return unquote(self.text[len("file://") :])

    def wants(self, path: str) -> bool:
        """Whether a file of the repository is meant."""
        if self.files:
            return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.files)
        return not self.pattern or path in siblings(self.pattern) or fnmatch.fnmatchcase(path, self.pattern)

    def without_copies(self, paths: Sequence[str]) -> tuple[list[str], list[str]]:
        """Of a whole repository: what an engine reads, and what holds the same weights again. Whoever names files gets what is named."""
        return copies.told_apart(paths) if self.whole and not self.files else (list(paths), [])

    def place(self, origin: str) -> str:
        """Where a file belongs below the model's directory: folders that the source spells out are left away."""
        if self.kind != "hf":
            return (
                posixpath.basename(unquote(urlsplit(origin).path)) if self.kind == "web" else posixpath.basename(origin)
            )
        folder = posixpath.dirname(_WILD.split(self.pattern)[0]) if not self.files else ""
        return origin[len(folder) + 1 :] if folder else origin

    def entry(self, paths: Sequence[str]) -> str:
        """The one file that an engine is to be started with, of which it finds the others; empty for a directory."""
        first = [path for path in paths if _part(path) in (None, 1)]
        return first[0] if not self.whole and len(first) == 1 else ""


def parse(text: str, files: Sequence[str] = (), endpoint: str | None = HUB) -> Source:
    """Understands a source, or says how one is written. An address of the hub at `endpoint` is taken for what it means, hf://."""
    try:
        text = meant(text, endpoint)
        source = _parse(text, files)
    except ValueError as error:
        # Nothing of the address is shown: where it cannot be read, nobody knows what of it is secret.
        raise InputError(
            f"This is not a source, because its address cannot be read ({error}). Write {FORMS}."
        ) from None
    refuse_pieces(
        source.key, [posixpath.basename(unquote(urlsplit(text).path))] if source.kind != "hf" else [source.pattern]
    )
    return source


def _parse(text: str, files: Sequence[str]) -> Source:
    scheme = urlsplit(text).scheme
    if scheme == "hf":
        found = SOURCE.match(text)
        if found and ".." not in text:
            pattern, revision = found["path"] or "", unquote(found["revision"] or "main")
            if pattern and files:
                raise InputError(
                    f"{text}: a source that names a path cannot have files as well. Leave the path away, or files."
                )
            return Source(text, "hf", found["repository"], revision, pattern.strip("/"), tuple(files))
    elif files and scheme != "file":
        raise InputError(f"{text}: files narrows a repository of the hub, or a directory. Leave it away here.")
    elif scheme in ("http", "https") and urlsplit(text).hostname and posixpath.basename(urlsplit(text).path):
        return Source(text, "web")
    elif scheme == "file" and text.startswith("file:///") and posixpath.basename(text[len("file://") :].rstrip("/")):
        # With or without a slash at the end, it is the same directory.
        return Source(text.rstrip("/"), "file", files=tuple(files))
    raise InputError(f"{safe_url(text)!r} is not a source. Write {FORMS}.")


def refuse_pieces(source: str, paths: Sequence[str]) -> None:
    """Pieces that a file was cut into by bytes: no engine reads them, and one alone looks like a model."""
    pieces = [path for path in paths if _PIECE.search(path) and not SPLIT.search(path)]
    if not pieces:
        return
    whole = _PIECE.sub(lambda found: found["end"] or "", posixpath.basename(pieces[0]))
    raise InputError(
        f"{source}: {pieces[0]} is a piece of a file that was cut by bytes, which no engine reads. Fetch all pieces, join them in their order"
        f" (cat {whole}.… > {whole}) and write the whole as file:///…/{whole}; or name a repository whose file is whole, or split by"
        " llama.cpp itself (…-00001-of-00002.gguf)."
    )


def siblings(path: str) -> list[str]:
    """All parts of a split GGUF, where the path names one of them; else the path alone."""
    found = SPLIT.search(path)
    if not found:
        return [path]
    count = int(found["count"])
    return [
        f"{path[: found.start()]}-{number:05d}-of-{count:05d}{path[found.end() :]}" for number in range(1, count + 1)
    ]


def web_siblings(url: str) -> list[str]:
    """The same for an address, whose path may be followed by a query."""
    path = urlsplit(url).path
    return [url.replace(path, sibling, 1) for sibling in siblings(path)]


def checked(path: str) -> str:
    """A path that someone else named, if it stays below our directory."""
    parts = path.split("/")
    if not path or path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise InputError(
            f"The repository names a file {path!r}, which would not lie in the model's directory. Name the files you want."
        )
    return path


def _part(path: str) -> int | None:
    found = SPLIT.search(path)
    return int(found["part"]) if found else None
