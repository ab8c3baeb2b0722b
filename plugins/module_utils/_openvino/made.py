# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made, and lies beside the models.

<models>/.compressed/<model>@<digest>/                 what an engine serves, 0444, and hearth.json, which says what it was made of
<models>/.compressed/.new-<model>@<digest>/            what is being made, or was when somebody was killed
<models>/.compressed/lock, progress.json

A directory gets its final name in one step, when all of it is on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import read_json, write_json

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

MANIFEST = "hearth.json"
# What an engine cannot do without.
_WANTED = ("openvino_model.xml", "openvino_model.bin", "openvino_tokenizer.xml", "openvino_detokenizer.xml")
_NEW = ".new-"
_BLOCK = 1 << 20
VERSION = 1


class Made:
    def __init__(self, models_directory: str) -> None:
        self.directory = os.path.join(models_directory, ".compressed")
        self.progress = os.path.join(self.directory, "progress.json")

    def path(self, generation: str) -> str:
        return os.path.join(self.directory, generation)

    def aside(self, generation: str) -> str:
        return os.path.join(self.directory, _NEW + generation)

    def manifest(self, generation: str) -> dict[str, Any]:
        """Of what is there whole: each file with the size that it had. Empty where something is missing, which is made again."""
        manifest = read_json(os.path.join(self.path(generation), MANIFEST))
        if manifest.get("version") != VERSION:
            return {}
        for file in manifest["files"]:
            there = os.path.join(self.path(generation), file["path"])
            if not os.path.exists(there) or os.path.getsize(there) != file["bytes"]:
                return {}
        return manifest

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Two that make the same would take each other's memory, and directory."""
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "lock"), "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HearthError(
                    f"Another run compresses models in {self.directory}. Wait until it has ended."
                ) from error
            yield

    def begin(self, generation: str) -> str:
        """An empty directory. What a run that was killed has left goes first, whichever model it was for."""
        for name in os.listdir(self.directory):
            if name.startswith(_NEW):
                shutil.rmtree(self.path(name))
        os.mkdir(self.aside(generation), 0o755)
        return self.aside(generation)

    def finish(self, generation: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Gives it its name, when all of it is durable and known by its hash."""
        aside, final = self.aside(generation), self.path(generation)
        missing = [name for name in _WANTED if not os.path.exists(os.path.join(aside, name))]
        if missing:
            raise HearthError(f"optimum-cli has not written {', '.join(missing)}, so no engine could serve it.")
        files = [_settled(aside, path) for path in _files(aside)]
        whole = {**manifest, "version": VERSION, "files": files, "bytes_after": sum(file["bytes"] for file in files)}
        write_json(os.path.join(aside, MANIFEST), whole, mode=0o444)
        if os.path.isdir(final):
            # It was found not to be whole.
            shutil.rmtree(final)
        os.rename(aside, final)
        _sync(self.directory)
        return whole

    def others(self, kept: Sequence[str]) -> list[str]:
        """What was made here and is none of these, by its path."""
        if not os.path.isdir(self.directory):
            return []
        paths = [
            self.path(name) for name in sorted(os.listdir(self.directory)) if "@" in name and not name.startswith(_NEW)
        ]
        kept_paths = {os.path.realpath(path) for path in kept}
        return [
            path
            for path in paths
            if os.path.exists(os.path.join(path, MANIFEST)) and os.path.realpath(path) not in kept_paths
        ]


def _files(directory: str) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(folder, name), directory)
        for folder, _folders, names in os.walk(directory)
        for name in names
        if name != MANIFEST
    )


def _settled(directory: str, path: str) -> dict[str, Any]:
    there = os.path.join(directory, path)
    digest = hashlib.sha256()
    with open(there, "rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            digest.update(block)
        os.fchmod(stream.fileno(), 0o444)
        os.fsync(stream.fileno())
    return {"path": path, "bytes": os.path.getsize(there), "sha256": digest.hexdigest()}


def _sync(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
