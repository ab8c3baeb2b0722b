# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How texts are cut into pieces: one setting for the whole server, so it is another one only while documents that want that are embedded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import public_settings
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError

if TYPE_CHECKING:
    from typing import Callable

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.preferences import Preferences
    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server

SIZE, OVERLAP = "text_splitter_chunk_size", "text_splitter_chunk_overlap"
# What the server takes where nothing is set.
_DEFAULTS = {SIZE: "1000", OVERLAP: "20"}
_LIMIT = "EmbeddingModelMaxChunkLength"


def describe(size: int | None, overlap: int | None) -> str:
    """As it stands in a document's mark; empty where the server's own setting is meant."""
    return "" if size is None else f"chunk={size}+{overlap or 0}"


class Splitter:
    """`preferences` are asked for when the first documents want another cut."""

    def __init__(self, server: Server, preferences: Callable[[], Preferences]) -> None:
        self.server, self._ask = server, preferences
        self._preferences: Preferences | None = None
        self._own: dict[str, str] | None = None
        self._now: dict[str, str] = {}
        self._limit = 0

    def use(self, how: str) -> None:
        """Cuts as the mark says, until another one is used or the server's own setting is restored."""
        found = re.search(r"chunk=(\d+)\+(\d+)", how)
        if found is None:
            self.restore()
            return
        self._read()
        if int(found.group(1)) > self._limit:
            raise InputError(
                f"chunk_size: pieces of {found.group(1)} characters are longer than {_LIMIT}, {self._limit}, to which the server would shorten "
                "them. Raise it with hearth.llm.anythingllm_settings, as far as the embedder reaches, or give shorter pieces."
            )
        self._set({SIZE: found.group(1), OVERLAP: found.group(2)})

    def restore(self) -> None:
        if self._own is not None:
            self._set(self._own)

    @property
    def preferences(self) -> Preferences:
        if self._preferences is None:
            self._preferences = self._ask()
            self._preferences.check()
        return self._preferences

    def _read(self) -> None:
        if self._own is None:
            read = self.preferences.read([SIZE, OVERLAP])
            self._own = {label: read[label] or default for label, default in _DEFAULTS.items()}
            self._now = dict(self._own)
            self._limit = int(str(public_settings(self.server).get(_LIMIT) or _DEFAULTS[SIZE]))

    def _set(self, wanted: dict[str, str]) -> None:
        fields = {label: value for label, value in wanted.items() if self._now.get(label) != value}
        if not fields:
            return
        self.preferences.write(fields)
        kept = self.preferences.read(list(fields))
        if kept != fields:
            raise ProtocolError(f"The server was told to cut texts by {fields}, and keeps {kept}.")
        self._now.update(fields)
