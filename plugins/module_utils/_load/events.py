# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events out of bytes that may be cut anywhere, in the middle of a line or of a letter. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._load.response import BrokenAnswerError

LONGEST_LINE = 8 * 1024 * 1024
_END = re.compile(rb"\r\n|\n|\r(?!$)")


class Events:
    """Lines are cut as bytes, and only whole ones are read as text."""

    def __init__(self) -> None:
        self._waiting = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Of each event that is whole the field, `data` or `error`, and what it says. An error may be a field of its own, which llama.cpp does."""
        self._waiting = self._waiting + data if self._waiting else data
        place = 0
        for end in _END.finditer(self._waiting):
            line = self._waiting[place : end.start()]
            place = end.end()
            if not line:
                if self._data:
                    yield "data", self._taken()
                continue
            name, _colon, value = line.partition(b":")
            if name == b"data":
                self._data.append(value[1:] if value.startswith(b" ") else value)
            elif name == b"error":
                yield "error", value.decode("utf-8", "replace").strip()
        self._waiting = self._waiting[place:]
        if len(self._waiting) > LONGEST_LINE:
            raise BrokenAnswerError(f"a line of an event is longer than {LONGEST_LINE} bytes")

    def _taken(self) -> str:
        data, self._data = self._data, []
        return b"\n".join(data).decode("utf-8", "replace")
