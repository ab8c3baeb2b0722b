# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of a service as directories that are named by what is in them.

    <service>/generations/<hash>/    the files, and definition.json
    <service>/current                a link to the generation that the service reads
    <service>/proven                 a link to the last one with which it came up

PRIVATE to the collection.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._durable import settle, settle_tree
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    pass

DEFINITION = "definition.json"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _as_text(definition: dict[str, Any]) -> str:
    return json.dumps(definition, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True)
class File:
    path: str
    content: str
    mode: int
    secret: bool

    def __post_init__(self) -> None:
        if os.path.isabs(self.path) or ".." in self.path.split("/") or self.path == DEFINITION:
            raise HearthError(f"'{self.path}' is not a name of a file inside the configuration: use a relative path.")


@dataclass(frozen=True)
class Generation:
    files: tuple[File, ...]
    definition: dict[str, Any]

    @property
    def name(self) -> str:
        return _digest([[[f.path, f.content, f.mode] for f in self.files], self.definition])


def restart_key(generation: str, definition: dict[str, Any], *, reloadable: bool) -> str:
    """What a running service is compared by: it has to be restarted when this changes."""
    return _digest(definition) if reloadable else generation


class Service:
    """What is kept on the disk for one service."""

    def __init__(self, path: str) -> None:
        self.path = path

    def _link(self, name: str) -> str:
        try:
            return os.path.basename(os.readlink(os.path.join(self.path, name)))
        except OSError:
            return ""

    @property
    def current(self) -> str:
        return self._link("current")

    @property
    def proven(self) -> str:
        return self._link("proven")

    def directory(self, generation: str) -> str:
        return os.path.join(self.path, "generations", generation)

    def definition(self, generation: str) -> dict[str, Any]:
        return dict(json.loads(self._read(generation, DEFINITION) or "{}"))

    def _read(self, generation: str, path: str) -> str | None:
        try:
            # What a program or a person has put there may be no text; it is a difference then, and no reason to stop.
            with open(os.path.join(self.directory(generation), path), encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except OSError:
            return None

    def _present_files(self, generation: str) -> list[str]:
        root = self.directory(generation)
        found = [os.path.join(where, name) for where, _dirs, names in os.walk(root) for name in names]
        return [os.path.relpath(path, root) for path in found]

    def difference(self, wanted: Generation) -> list[dict[str, str]]:
        """What differs between the current files, as they lie there now, and the wanted ones."""
        current = self.current
        secret = {f.path for f in wanted.files if f.secret}
        after: dict[str, str] = {f.path: f.content for f in wanted.files}
        after[DEFINITION] = _as_text(wanted.definition)
        paths = sorted(set(self._present_files(current) if current else []) | set(after))
        diff = []
        for path in paths:
            old, new = (self._read(current, path) if current else None) or "", after.get(path, "")
            if old == new:
                continue
            # A file that is gone from the description may have been a secret one: nothing says so any more.
            if path in secret or path not in after:
                old, new = ("(secret)" if old else ""), ("(another secret)" if new else "")
            diff.append({"before": old, "after": new, "before_header": path, "after_header": path})
        return diff

    def write(self, wanted: Generation, group: str | None) -> str:
        """Writes all files beside the place where they belong, then moves them there in one step."""
        self._make_directories()
        fresh = tempfile.mkdtemp(prefix=".new-", dir=os.path.join(self.path, "generations"))
        try:
            gid = self._gid(group)
            for f in wanted.files:
                _write(os.path.join(fresh, f.path), f.content, f.mode, gid)
            _write(os.path.join(fresh, DEFINITION), _as_text(wanted.definition), 0o600, -1)
            for where, _dirs, _names in os.walk(fresh):
                os.chmod(where, 0o750)
                os.chown(where, -1, gid)
            target = self.directory(wanted.name)
            shutil.rmtree(target, ignore_errors=True)
            settle_tree(fresh)
            os.rename(fresh, target)
            settle(os.path.dirname(target))
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return target

    def _make_directories(self) -> None:
        """Whoever the service runs as must be able to come through, whatever the umask says."""
        for path in (os.path.dirname(self.path), self.path, os.path.join(self.path, "generations")):
            if not os.path.isdir(path):
                os.makedirs(path)
                os.chmod(path, 0o755)

    @staticmethod
    def _gid(group: str | None) -> int:
        if group is None:
            return -1
        if group.isdigit():
            return int(group)
        try:
            return grp.getgrnam(group).gr_gid
        except KeyError:
            raise HearthError(f"There is no group '{group}' on this host: name one that exists.") from None

    def point(self, link: str, generation: str) -> None:
        fresh = os.path.join(self.path, f".{link}")
        if os.path.lexists(fresh):
            os.unlink(fresh)
        os.symlink(os.path.join("generations", generation), fresh)
        os.replace(fresh, os.path.join(self.path, link))
        settle(self.path)

    @property
    def exists(self) -> bool:
        return os.path.isdir(self.path)

    def remove(self) -> None:
        shutil.rmtree(self.path)

    def prune(self) -> None:
        keep = {self.current, self.proven}
        root = os.path.join(self.path, "generations")
        for name in os.listdir(root):
            if name not in keep:
                shutil.rmtree(os.path.join(root, name))


def _write(path: str, content: str, mode: int, gid: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        os.fchown(stream.fileno(), -1, gid)
        os.fchmod(stream.fileno(), mode)
