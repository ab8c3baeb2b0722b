# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw folder of a load test: what is written while it runs, so that whatever ends it keeps what was measured. PRIVATE to the collection.

requests.jsonl    one object for each request, written when it ends
traces.jsonl      one object each second: the host meanwhile
engines.json      what the engines counted before and after
run.json          what was run, and how it ended; written at the beginning too, so that a folder without an end can be read
progress.json     how far it is, for whoever looks on

Times are seconds since the run began, by a clock that nobody sets; but `begun`, which is a date.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import all_shown

if TYPE_CHECKING:
    from typing import Mapping

FORMAT = 1
REQUESTS, TRACES, ENGINES, RUN, PROGRESS = (
    "requests.jsonl",
    "traces.jsonl",
    "engines.json",
    "run.json",
    "progress.json",
)
# What can become of a request beside an answer.
KINDS = ("connect", "tls", "timeout", "status", "cut", "in_answer", "protocol", "interrupted")
# Requests that only have models loaded: no figure counts them.
WARM_UP = "warm_up"
# A millionth of a second, which is less than any clock here is good for.
DIGITS = 6


@dataclass
class Row:
    """One request. With retries, `started` is the first try's, and what came is the last one's."""

    n: int
    series: str
    user: int
    model: str
    workspace: str | None
    # The name of the API key, never the key.
    key: str
    # Twelve hexadecimal digits of the SHA-256 of what was asked, without the mark that makes it new to a cache.
    prompt: str
    scheduled: float
    started: float
    first: float | None = None
    ended: float = 0.0
    gaps: list[float] = field(default_factory=list)
    pieces: int = 0
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    status: int | None = None
    finish: str | None = None
    error: dict[str, str] | None = None
    retries: int = 0
    # The gateway's own, joined afterwards from its log by `id`.
    queue: float | None = None
    gateway: float | None = None
    server: str | None = None
    # X-Request-Id of the last answer.
    id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        told = asdict(self)
        for name in ("scheduled", "started", "first", "ended"):
            told[name] = None if told[name] is None else round(told[name], DIGITS)
        told["gaps"] = [round(gap, DIGITS) for gap in self.gaps]
        return {"id": told.pop("id"), **told}


class RawFolder:
    """Made for one run. A folder that has one already is refused, for its rows would be mixed."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._open: dict[str, IO[str]] = {}

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def check(self) -> None:
        """Before anything is asked or written."""
        there = [name for name in (REQUESTS, RUN) if os.path.exists(self.path(name))]
        if there:
            raise InputError(
                f"directory {self.directory} holds a run already ({there[0]}), and a second one would be mixed with it: name a directory that is new."
            )

    def make(self) -> None:
        try:
            os.makedirs(self.directory, mode=0o755, exist_ok=True)
            for name in (REQUESTS, TRACES):
                self._open[name] = open(self.path(name), "a", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise HearthError(
                f"directory {self.directory} cannot be written ({error.strerror}): name one that this user may write."
            ) from error

    def add(self, name: str, told: Mapping[str, Any]) -> None:
        """A line, which is in the file when this returns."""
        stream = self._open[name]
        stream.write(_line(told) + "\n")
        stream.flush()

    def put(self, name: str, told: Mapping[str, Any], indent: int | None = 2) -> None:
        """A whole file, which nobody ever sees half."""
        path = self.path(name)
        with open(path + ".new", "w", encoding="utf-8") as stream:
            json.dump(all_shown(told), stream, ensure_ascii=False, indent=indent)
            stream.write("\n")
        os.replace(path + ".new", path)

    def close(self) -> None:
        for stream in self._open.values():
            stream.close()
        self._open = {}


def _line(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
