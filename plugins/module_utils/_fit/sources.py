# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a model is from the first bytes of its files: on this host where they lie here already, else where they come from."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Wish
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import (
    parse,
    refuse_pieces,
    siblings,
    web_siblings,
)
from ansible_collections.hearth.llm.plugins.module_utils._fit import gguf_facts, hub_facts, sight
from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import is_gguf, kind_by_name, kind_of, tell_apart
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import part_names
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import LocalFile, RemoteFile
from ansible_collections.hearth.llm.plugins.module_utils._http import safe_url
from ansible_collections.hearth.llm.plugins.module_utils._hub import file_url

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import Hub
    from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolved, Resolver
    from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import Source
    from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
    from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts
    from ansible_collections.hearth.llm.plugins.module_utils._fit.hub_facts import HubFacts
    from ansible_collections.hearth.llm.plugins.module_utils._fit.sight import Sight
    from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import Kinds
    from ansible_collections.hearth.llm.plugins.module_utils._http import Client

_LONGEST_JSON = 32 << 20
_SENTENCES = "sentence_bert_config.json"
_INDEX = "model.safetensors.index.json"
_MOST_OPENED = 6
_MOST_NAMED = 4


@dataclass(frozen=True)
class _File:
    # Below the repository or directory.
    path: str
    bytes: int
    # A path of this host, or an address.
    place: str
    token: str | None = None


class Reader:
    def __init__(self, client: Client, store: Store, resolver: Resolver, hub: Hub, token: str | None) -> None:
        self._client, self._store, self._resolver, self._hub, self._token = client, store, resolver, hub, token
        # What a person should know of how a model was looked up, by served name.
        self.notes: dict[str, list[str]] = {}

    def gguf(self, model: Mapping[str, Any]) -> tuple[Facts, Sight | None, str]:
        """What the model is, with what it sees, and where that was read."""
        there = self._files(model)
        files = {file.path: file for file in there if is_gguf(file.path)}
        if not files:
            refuse_pieces(str(model["name"]), [file.path for file in there])
        kinds = tell_apart(files, lambda path: self._kind(files[path], len(files)))
        _refuse_unclear(str(model["name"]), kinds)
        parts = [files[path] for path in part_names(kinds.models[0]) if path in files]
        with contextlib.ExitStack() as opened:
            facts = gguf_facts.read([opened.enter_context(contextlib.closing(self._open(part))) for part in parts])
        return facts, self._sight(files[kinds.projector]) if kinds.projector else None, _shown(parts[0])

    def projector(self, model: Mapping[str, Any], path: str) -> Sight | None:
        """One that the options name: a file of this host, or one of the model's. None where it is not there yet."""
        if os.path.isfile(path):
            return self._sight(_File(path, _size(path), path))
        name = os.path.basename(path)
        named = [file for file in self._files(model) if name and os.path.basename(file.path) == name]
        return self._sight(named[0]) if named else None

    def _sight(self, file: _File) -> Sight:
        with contextlib.closing(self._open(file)) as source:
            return sight.read(source, file.bytes)

    def _kind(self, file: _File, count: int) -> str:
        # One file is read anyway. Of many the names are enough: a repository of all quantizations is refused by them.
        if count == 1 or count > _MOST_OPENED:
            return kind_by_name(file.path)
        with contextlib.closing(self._open(file)) as source:
            return kind_of(source)

    def repository(self, model: Mapping[str, Any]) -> tuple[HubFacts, str]:
        """The same for a directory of safetensors with their config.json."""
        files = {file.path: file for file in self._files(model)}
        if "config.json" not in files:
            raise InputError(
                f"{model['name']}: vLLM is started with a directory in which there is a config.json, and the source has none. Name the whole repository."
            )
        weights = [path for path in files if path.endswith(".safetensors")] or [
            path for path in files if path.endswith(".bin")
        ]
        if _INDEX in files:
            # Some repositories hold the same weights a second time under other names.
            weights = sorted(set(self._json(files[_INDEX]).get("weight_map", {}).values()))
        config = self._json(files["config.json"])
        sentences = self._json(files[_SENTENCES]) if _SENTENCES in files else None
        weight_bytes = sum(files[path].bytes for path in weights if path in files)
        facts = hub_facts.read(config, weight_bytes, str(model["name"]), sentences)
        return facts, _shown(files["config.json"])

    def _files(self, model: Mapping[str, Any]) -> list[_File]:
        name, text = str(model["name"]), model.get("source")
        if model.get("path"):
            return _on_host(str(model["path"]))
        if not text:
            raise InputError(f"{name}: neither source nor path is given. Give one of them.")
        source = parse(str(text), model.get("files") or (), self._hub.endpoint)
        if source.text != text:
            self.notes.setdefault(name, []).append(f"its source is taken for {source.text}")
        if source.kind == "file":
            there = [file for path in siblings(source.path) for file in _on_host(path)]
            return [file for file in there if source.wants(file.path)]
        fetched = self._fetched(name, source)
        if fetched:
            return fetched
        resolved = self._resolver.resolve(Wish(name, source))
        if resolved.left_out:
            self.notes.setdefault(name, []).append(
                f"{', '.join(resolved.left_out)} are left out, which hold the same weights in other formats (name them in files to have them)"
            )
        return self._remote(source, resolved)

    def _fetched(self, name: str, source: Source) -> list[_File]:
        known = self._store.models.get(name)
        if not known or known.source != source.key:
            return []
        files = [_File(record.path, record.bytes, self._store.path(name, record.path)) for record in known.files]
        return files if all(os.path.exists(file.place) for file in files) else []

    def _remote(self, source: Source, resolved: Resolved) -> list[_File]:
        if source.kind == "web":
            # The user's own address, which may carry a signature.
            addresses = {safe_url(url): url for url in web_siblings(source.text)}
            return [_File(file.path, file.bytes, addresses.get(file.origin, file.origin)) for file in resolved.files]
        self._hub.refuse_open_token()
        return [
            _File(
                file.path,
                file.bytes,
                file_url(f"hf://{source.repository}@{resolved.revision}/{file.origin}", self._hub.endpoint),
                self._token,
            )
            for file in resolved.files
        ]

    def _open(self, file: _File) -> LocalFile | RemoteFile:
        if "://" in file.place:
            return RemoteFile(self._client, file.place, token=file.token)
        return LocalFile(file.place)

    def _json(self, file: _File) -> dict[str, Any]:
        with contextlib.closing(self._open(file)) as source:
            text = source.read(0, min(file.bytes, _LONGEST_JSON))
        try:
            content = json.loads(text)
        except ValueError as error:
            raise ProtocolError(f"{safe_url(file.place)} is no JSON ({error}). Open it and see what it is.") from error
        if not isinstance(content, dict):
            raise ProtocolError(f"{safe_url(file.place)} holds no object. Open it and see what it is.")
        return content


def _refuse_unclear(name: str, kinds: Kinds) -> None:
    """Says which files the source means, where one engine cannot be started with all of them."""
    if not kinds.models:
        found = f"only {', '.join(kinds.projectors)}, with which a model sees" if kinds.projectors else "none"
        raise InputError(
            f"{name}: llama.cpp is started with a GGUF file, and the source means {found}. Name the file of a model in the source, or in files."
        )
    for what, paths in (("one GGUF file", kinds.models), ("one projector", kinds.projectors)):
        if len(paths) > 1:
            raise InputError(
                f"{name}: llama.cpp is started with {what}, and the source means {len(paths)}: {', '.join(paths[:_MOST_NAMED])}"
                f"{', …' if len(paths) > _MOST_NAMED else ''}. Name one of them in the source, or in files."
            )


def _on_host(path: str) -> list[_File]:
    if not os.path.isdir(path):
        return [_File(os.path.basename(part), _size(part), part) for part in part_names(path)]
    names: Sequence[str] = sorted(os.listdir(path))
    return [_File(name, _size(os.path.join(path, name)), os.path.join(path, name)) for name in names]


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Check the path, which is one of this host."
        ) from error


def _shown(file: _File) -> str:
    """Without what an address may carry that is nobody's business."""
    return safe_url(file.place) if "://" in file.place else file.place
