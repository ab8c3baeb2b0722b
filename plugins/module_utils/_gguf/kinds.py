# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a model's own file from what comes with it: the projector of a model that sees, adapters, matrices of importance."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import read_general
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import part_names
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import ByteSource, LocalFile

MODEL, PROJECTOR = "model", "projector"
# general.type of what no engine is started with.
_OTHERS = ("adapter", "imatrix", "vocab")


@dataclass
class Kinds:
    """Paths of first parts."""

    models: list[str] = field(default_factory=list)
    projectors: list[str] = field(default_factory=list)

    @property
    def clear(self) -> bool:
        """Whether it goes without saying which of them are meant."""
        return len(self.models) == 1 and len(self.projectors) <= 1

    @property
    def projector(self) -> str:
        return self.projectors[0] if self.clear and self.projectors else ""


def kind(general: Mapping[str, Any]) -> str:
    """Of a file, by its metadata."""
    declared = general.get("general.type")
    # The name of the architecture is older than the type.
    if declared == "mmproj" or general.get("general.architecture") == "clip":
        return PROJECTOR
    return str(declared) if declared in _OTHERS else MODEL


def kind_of(source: ByteSource) -> str:
    return kind(read_general(source))


def kind_by_name(path: str) -> str:
    """Of a file that is not there to be read."""
    return PROJECTOR if "mmproj" in path.rpartition("/")[2].lower() else MODEL


def is_gguf(path: str) -> bool:
    """By its name, in whatever letters."""
    return path.lower().endswith(".gguf")


def tell_apart(paths: Iterable[str], kind_at: Callable[[str], str]) -> Kinds:
    """The GGUF files among these, each by its first part."""
    kinds = Kinds()
    paths = sorted(path for path in paths if is_gguf(path))
    later = {part for path in paths for part in part_names(path)[1:]}
    for path in paths:
        if path not in later:
            found = kind_at(path)
            if found in (MODEL, PROJECTOR):
                (kinds.models if found == MODEL else kinds.projectors).append(path)
    return kinds


def begin(path: str, files: Sequence[str]) -> tuple[str, str]:
    """What an engine is to be started with, and the projector: of a directory with these files, those that are meant without saying so."""
    if is_gguf(path) or any(name.endswith(".safetensors") for name in files):
        return path, ""
    kinds = tell_apart(files, lambda name: _kind_here(os.path.join(path, name)))
    if not kinds.clear:
        return path, ""
    return os.path.join(path, kinds.models[0]), os.path.join(path, kinds.projector) if kinds.projector else ""


def _kind_here(path: str) -> str:
    try:
        with contextlib.closing(LocalFile(path)) as file:
            return kind_of(file)
    except HearthError:
        # Not there yet, or no GGUF: what is started with it will say so.
        return kind_by_name(path)
