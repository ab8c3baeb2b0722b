# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has left: its rows, traces and what was running. A line that a power cut has cut short is left out, and counted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

REQUESTS, RUN, TRACES, ENGINES = "requests.jsonl", "run.json", "traces.jsonl", "engines.json"
FILES = (REQUESTS, RUN, TRACES, ENGINES)
FORMAT = 1
# The user or the end of the run has stopped these; no server failed.
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Row:
    n: int
    id: str
    series: str
    user: int
    model: str
    workspace: str
    key: str
    prompt: str
    scheduled: float
    started: float
    first: float | None
    ended: float
    gaps: tuple[float, ...]
    pieces: int
    tokens_in: int | None
    tokens_cached: int | None
    tokens_out: int | None
    status: int | None
    finish: str
    error: str
    message: str
    retries: int
    queue: float | None
    gateway: float | None
    server: str

    @property
    def succeeded(self) -> bool:
        return not self.error

    @property
    def failed(self) -> bool:
        return bool(self.error) and self.error != INTERRUPTED


@dataclass(frozen=True)
class Measured:
    """A whole run."""

    rows: tuple[Row, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    traces: tuple[Mapping[str, Any], ...] = ()
    engines: Mapping[str, Any] = field(default_factory=dict)
    cut: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def profile(self) -> Mapping[str, Any]:
        told = self.run.get("profile")
        return told if isinstance(told, Mapping) else {}

    @property
    def models(self) -> set[str]:
        """Which it was to ask, and which it has."""
        wanted = self.profile.get("models")
        return {row.model for row in self.rows} | set(map(str, wanted if isinstance(wanted, list) else []))

    @property
    def open(self) -> bool:
        """Whether requests began by a schedule, whatever became of those before them."""
        return bool(self.profile.get("kind") == "open")


def read(directory: Path) -> Measured:
    """Of a raw folder, or of an evidence folder that has one."""
    place = directory if (directory / REQUESTS).is_file() else directory / "raw"
    if not (place / REQUESTS).is_file():
        raise HearthError(
            f"{directory} has no {REQUESTS}, which a measurement writes: name the folder that one was written to, or an evidence folder."
        )
    try:
        files = {name: (place / name).read_bytes() for name in FILES if (place / name).is_file()}
    except OSError as error:
        raise HearthError(f"{error.filename} cannot be read ({error.strerror}): let this user read it.") from None
    rows, cut = _lines(place / REQUESTS, files[REQUESTS])
    traces, _cut = _lines(place / TRACES, files.get(TRACES, b""))
    run = _document(place / RUN, files.get(RUN, b"{}"))
    if run.get("format", FORMAT) != FORMAT:
        raise HearthError(
            f"{place / RUN} has the format {run['format']!r}, and this version reads {FORMAT}: report it with the version that wrote it."
        )
    read_rows = [_row(place / REQUESTS, number, told) for number, told in rows]
    return Measured(
        tuple(sorted(read_rows, key=lambda row: (row.scheduled, row.n, row.started))),
        run,
        tuple(_trace(told) for _line, told in traces if _number(told.get("at")) is not None),
        {when: _counters(told) for when, told in _document(place / ENGINES, files.get(ENGINES, b"{}")).items()},
        cut,
        files,
    )


def _lines(path: Path, content: bytes) -> tuple[list[tuple[int, dict[str, Any]]], int]:
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip(b" \r\t\0")]
    found: list[tuple[int, dict[str, Any]]] = []
    for place, (number, line) in enumerate(lines):
        try:
            told = json.loads(line)
            if not isinstance(told, dict):
                raise ValueError
        except ValueError:
            if place == len(lines) - 1:
                return found, 1
            raise HearthError(
                f"{path}, line {number}, is no JSON object. A power cut cuts the last line alone, so this file was changed: take the one that the run wrote."
            ) from None
        found.append((number, told))
    return found, 0


def _document(path: Path, content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise HearthError(f"{path} is no JSON object: take the one that the run wrote, or move it away.")
    return told


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def _trace(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a host could not tell of itself is nothing, and keeps no report from being made."""
    gpus = told.get("gpus")
    return {
        "at": _number(told.get("at")),
        "host": str(told.get("host", "")),
        **{key: _number(told.get(key)) for key in ("cpu", "memory_used", "memory_total", "load")},
        "gpus": [
            {
                "index": gpu.get("index"),
                "name": str(gpu.get("name", "")),
                **{
                    key: _number(gpu.get(key))
                    for key in ("used", "memory_used", "memory_total", "power", "temperature")
                },
            }
            for gpu in (gpus if isinstance(gpus, list) else [])
            if isinstance(gpu, Mapping)
        ],
    }


def _counters(told: Any) -> dict[str, dict[str, float]]:
    if not isinstance(told, Mapping):
        return {}
    return {
        str(instance): {name: number for name, value in series.items() if (number := _number(value)) is not None}
        for instance, series in told.items()
        if isinstance(series, Mapping)
    }


def _row(path: Path, number: int, told: Mapping[str, Any]) -> Row:
    def wrong(key: str, wanted: str) -> HearthError:
        return HearthError(
            f"{path}, line {number}: {key} is {json.dumps(told.get(key))[:60]} and not {wanted}. Take the file that the run wrote."
        )

    def time(key: str) -> float:
        value = told.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise wrong(key, "a number of seconds")
        return float(value)

    def maybe(key: str) -> float | None:
        return None if told.get(key) is None else time(key)

    def count(key: str) -> int | None:
        value = maybe(key)
        if value is not None and value < 0:
            raise wrong(key, "a number from 0 on")
        return None if value is None else int(value)

    def gaps() -> Iterator[float]:
        value = told.get("gaps") or []
        if not isinstance(value, list):
            raise wrong("gaps", "a list of seconds")
        for gap in value:
            if isinstance(gap, bool) or not isinstance(gap, (int, float)) or not 0 <= gap < math.inf:
                raise wrong("gaps", "a list of seconds")
            yield float(gap)

    def text(key: str) -> str:
        return "" if told.get(key) is None else str(told[key])

    error = told.get("error")
    if error is not None and not isinstance(error, dict):
        raise wrong("error", "null or an object with kind and message")
    started, ended = time("started"), time("ended")
    scheduled = started if told.get("scheduled") is None else time("scheduled")
    first = maybe("first")
    if ended < started or (first is not None and not started <= first <= ended):
        raise wrong("ended", f"after started ({started}), with first between them")
    return Row(
        n=count("n") or 0,
        id=text("id"),
        series=text("series"),
        user=count("user") or 0,
        model=text("model"),
        workspace=text("workspace"),
        key=text("key"),
        prompt=text("prompt"),
        scheduled=scheduled,
        started=started,
        first=first,
        ended=ended,
        gaps=tuple(gaps()),
        pieces=count("pieces") or 0,
        tokens_in=count("tokens_in"),
        tokens_cached=count("tokens_cached"),
        tokens_out=count("tokens_out"),
        status=count("status"),
        finish=text("finish"),
        error="" if error is None else str(error.get("kind") or "unknown"),
        message="" if error is None else str(error.get("message") or ""),
        retries=count("retries") or 0,
        queue=maybe("queue"),
        gateway=maybe("gateway"),
        server=text("server"),
    )
