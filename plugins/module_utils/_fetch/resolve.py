# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a user wrote to a commit and files with sizes and hashes: by the lock file, by what was resolved before, or by asking."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch import web
from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import Hub
from ansible_collections.hearth.llm.plugins.module_utils._fetch.remote import FileRemote, Remote, source_status
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import (
    File,
    Source,
    refuse_pieces,
    siblings,
    web_siblings,
)
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Model, Store, right_bytes, with_sha256
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, is_loopback, safe_url


@dataclass(frozen=True)
class Wish:
    """One entry of the option models."""

    name: str
    source: Source | None
    sha256: str = ""
    # Resolved now, and fetched by another run.
    later: bool = False

    @property
    def absent(self) -> bool:
        return self.source is None


@dataclass(frozen=True)
class Resolved:
    source: Source
    revision: str
    files: tuple[File, ...]
    # Paths in the repository that are there and hold the same weights again.
    left_out: tuple[str, ...] = ()

    def remote(self, resolver: Resolver, file: File) -> Remote:
        return resolver.remote(self.source, self.revision, file)


class Resolver:
    def __init__(
        self,
        client: Client,
        hub: Hub,
        store: Store,
        lock: Mapping[str, Any],
        *,
        update: bool,
        allow_http: bool,
        reading: Callable[[str, int], Callable[[int], None]],
        need_hashes: bool = True,
    ) -> None:
        """`update` asks again what a branch means now, whatever was written down before. Whoever only plans needs no hashes."""
        self._client, self._hub, self._store, self._lock = client, hub, store, lock
        self._update, self._allow_http, self._reading = update, allow_http, reading
        self._need_hashes = need_hashes

    def resolve(self, wish: Wish) -> Resolved:
        source = wish.source
        if source is None:
            raise AssertionError("a model that is to be absent has nothing to resolve")
        resolved = self._without_copies(self._known(source, wish) or self._asked(source, wish))
        refuse_pieces(source.key, [file.path for file in resolved.files])
        if wish.sha256:
            if len(resolved.files) != 1:
                raise InputError(
                    f"{source.key}: sha256 is for one file, but these are {len(resolved.files)}. Leave it away: the hub tells the hashes."
                )
            resolved = replace(resolved, files=(with_sha256(resolved.files[0], wish.sha256, f"the model {wish.name}"),))
        return resolved

    @staticmethod
    def _without_copies(resolved: Resolved) -> Resolved:
        """What a lock file lists, or an earlier run has fetched, may be more than is read."""
        _read, left_out = resolved.source.without_copies([file.origin for file in resolved.files])
        files = tuple(file for file in resolved.files if file.origin not in left_out)
        return replace(resolved, files=files, left_out=(*resolved.left_out, *left_out))

    def remote(self, source: Source, revision: str, file: File) -> Remote:
        """Where the file's bytes come from."""
        if source.kind == "hf":
            return self._hub.remote(source, revision, file)
        if source.kind == "file":
            return FileRemote(file.origin)
        # The user's own address, which may carry a signature that was written down nowhere.
        url = next((url for url in web_siblings(source.text) if safe_url(url) == file.origin), source.text)
        return web.remote(self._client, replace(file, origin=url))

    def _known(self, source: Source, wish: Wish) -> Resolved | None:
        if source.kind == "file" or (self._update and not source.is_commit):
            return None
        locked = self._lock.get(source.key)
        if locked is not None:
            return self._locked(source, locked)
        installed = self._store.models.get(wish.name)
        if (
            installed
            and installed.source == source.key
            and wish.sha256 in ("", *(record.sha256 for record in installed.files))
        ):
            return self._installed(source, installed)
        return None

    def _locked(self, source: Source, entry: Any) -> Resolved:
        try:
            files = tuple(
                File(source.place(str(file["path"])), str(file["path"]), int(file["bytes"]), str(file["sha256"]))
                for file in entry["files"]
            )
            return Resolved(source, str(entry.get("revision") or ""), files)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"The lock entry of {source.key} makes no sense ({error!r}). Restore the lock file, or remove the entry: it will be written anew."
            ) from error

    @staticmethod
    def _installed(source: Source, model: Model) -> Resolved:
        """As it was resolved when it came here. Its hash is what counts, not what a server says of its age."""
        files = (
            File(record.path, record.origin, record.bytes, record.sha256, record.git_sha1) for record in model.files
        )
        return Resolved(source, model.revision, tuple(files))

    def _asked(self, source: Source, wish: Wish) -> Resolved:
        if source.kind == "hf":
            self._refuse_open_http(source, self._hub.endpoint, bool(wish.sha256))
            # A hash that is given vouches for one file.
            revision, files, left_out = self._hub.resolve(
                source, need_hashes=self._need_hashes and not (wish.sha256 and not source.whole)
            )
            return Resolved(source, revision, tuple(files), tuple(left_out))
        if source.kind == "web":
            self._refuse_open_http(source, source.text, bool(wish.sha256))
            found = [web.look_up(self._client, source, url) for url in web_siblings(source.text)]
            return Resolved(source, "", tuple(replace(file, origin=safe_url(file.origin)) for file in found))
        path = source.path
        if os.path.isdir(path):
            return Resolved(source, "", tuple(self._on_host(there, wish) for there in _in_directory(path, source)))
        installed = self._store.models.get(wish.name)
        if installed and installed.source == source.key and not os.path.exists(path):
            # Nobody needs the directory any more: what was copied is what counts.
            return self._installed(source, installed)
        return Resolved(source, "", tuple(self._on_host(there, wish) for there in siblings(path)))

    def _on_host(self, path: str, wish: Wish) -> File:
        """A source on this host may change at any time: its bytes count, read again when its size or time of change has moved."""
        name = posixpath.basename(path)
        record = self._store.record(wish.name, name)
        if record and record.origin == path and not os.path.exists(path):
            # Nobody needs the source any more: what was copied is what counts.
            return File(name, path, record.bytes, record.sha256, validator=record.validator)
        status = source_status(path)
        validator = f"{status.st_mtime_ns}"
        file = File(name, path, status.st_size, validator=validator)
        if record and (record.origin, record.bytes, record.validator) == (path, status.st_size, validator):
            return replace(file, sha256=record.sha256)
        return replace(file, sha256=right_bytes(path, file, self._reading(path, status.st_size))[1])

    def _refuse_open_http(self, source: Source, url: str, hash_is_known: bool) -> None:
        if urlsplit(url).scheme != "http" or hash_is_known or self._allow_http or is_loopback(url):
            return
        raise InputError(
            f"{source.key}: {safe_url(url)} is http, so anybody on the way could change the file. Use https, "
            "give the model's sha256, or set allow_http for a mirror in a network that is yours."
        )


def _in_directory(path: str, source: Source) -> list[str]:
    """The files of a directory of this host that are meant, without those below it."""
    names = [
        name for name in sorted(os.listdir(path)) if source.wants(name) and os.path.isfile(os.path.join(path, name))
    ]
    if not names:
        raise InputError(f"{source.key}: no file in that directory is meant. Check the path, and files.")
    return [os.path.join(path, name) for name in names]
