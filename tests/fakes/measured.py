# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of measurements that nobody made: of servers whose times come from a known distribution."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Draw = Callable[[random.Random], float]

CONSTANT: Draw = lambda _chance: 0.2  # noqa: E731
EXPONENTIAL: Draw = lambda chance: chance.expovariate(5)  # noqa: E731
LOGNORMAL: Draw = lambda chance: math.exp(chance.gauss(math.log(0.2), 0.5))  # noqa: E731
PARETO: Draw = lambda chance: 0.1 * chance.paretovariate(2.2)  # noqa: E731
# Of four requests one finds its model not loaded.
BIMODAL: Draw = lambda chance: chance.gauss(2.0, 0.2) if chance.random() < 0.25 else chance.gauss(0.2, 0.02)  # noqa: E731


def row(n: int, started: float, ttft: float, **other: Any) -> dict[str, Any]:
    """One request as the driver records it, with ten pieces 20 ms apart after the first."""
    gaps = other.pop("gaps", [0.02] * 9)
    first = started + ttft
    return {
        "id": f"r{n}",
        "n": n,
        "series": "users",
        "user": n % 3,
        "model": "chat",
        "workspace": None,
        "key": "measuring",
        "prompt": "0123456789ab",
        "scheduled": started,
        "started": started,
        "first": first,
        "ended": first + sum(gaps),
        "gaps": gaps,
        "pieces": len(gaps) + 1,
        "tokens_in": 40,
        "tokens_cached": 10,
        "tokens_out": 10,
        "status": 200,
        "finish": "stop",
        "error": None,
        "retries": 0,
        "queue": None,
        "gateway": None,
        "server": None,
        **other,
    }


def failed(n: int, started: float, seconds: float, kind: str = "timeout", **other: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "first": None,
        "gaps": [],
        "pieces": 0,
        "tokens_in": None,
        "tokens_cached": None,
        "tokens_out": None,
    }
    error = {"kind": kind, "message": f"{kind} after {seconds:g} seconds"}
    given = {**nothing, "ended": started + seconds, "status": None, "finish": None, "error": error, **other}
    return {**row(n, started, 0.0), **given}


def users(
    chance: random.Random, n: int, draw: Draw, *, slower: float = 1.0, every: float = 0.5, **other: Any
) -> list[dict[str, Any]]:
    """A closed loop: one begins every so many seconds."""
    return [row(number, number * every, draw(chance) * slower, **other) for number in range(n)]


def written(
    directory: Path,
    rows: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any] | None = None,
    traces: Sequence[Mapping[str, Any]] = (),
    engines: Mapping[str, Any] | None = None,
) -> Path:
    """The folder that a run leaves."""
    directory.mkdir(parents=True, exist_ok=True)

    def lines(of: Sequence[Mapping[str, Any]]) -> str:
        return "".join(json.dumps(one) + "\n" for one in of)

    (directory / "requests.jsonl").write_text(lines(rows))
    told = {
        "format": 1,
        "begun": "2026-11-30T08:00:00Z",
        "ended_by": "plan",
        "profile": {"name": "users", "kind": "closed"},
    }
    (directory / "run.json").write_text(json.dumps({**told, **(run or {})}))
    if traces:
        (directory / "traces.jsonl").write_text(lines(traces))
    if engines:
        (directory / "engines.json").write_text(json.dumps(engines))
    return directory


def trace(at: float, *, used: float = 0.7, memory: float = 6e9, host: str = "gpu1") -> dict[str, Any]:
    gpu = {
        "index": 0,
        "name": "RTX 4060",
        "used": used,
        "memory_used": memory,
        "memory_total": 8e9,
        "power": 90.0,
        "temperature": 61,
    }
    return {"at": at, "host": host, "cpu": 0.2, "memory_used": 9e9, "memory_total": 32e9, "load": 1.1, "gpus": [gpu]}
