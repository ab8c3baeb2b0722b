# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What grows in hours, and whether all keys are served alike."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.drift import FALLS, GROWS, STAYS, UNKNOWN, drift
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.fairness import fairness, index
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import read
from fakes import measured

HOURS = 2 * 3600


def drifts(tmp_path: Path, rows: list[dict[str, Any]], traces: list[dict[str, Any]]) -> dict[str, str]:
    told = drift(read(measured.written(tmp_path, rows, traces=traces)))
    return {one["what"]: one["verdict"] for one in told}


def test_memory_that_grows_is_seen_and_what_only_varies_is_not(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = [measured.row(n, n * 10, measured.LOGNORMAL(chance) * (1 + n / 1440)) for n in range(HOURS // 10)]
    traces = [measured.trace(at, memory=4e9 + chance.gauss(0, 5e7) + at * 1e5) for at in range(0, HOURS, 10)]
    assert drifts(tmp_path, rows, traces) == {
        "ttft, users, chat": GROWS,
        "latency, users, chat": GROWS,
        "memory of gpu1": STAYS,
        "memory of GPU 0 of gpu1": GROWS,
    }


def test_nothing_is_said_to_drift_where_nothing_does(tmp_path: Path) -> None:
    alarms = 0
    for seed in range(60):
        chance = random.Random(seed)
        rows = [measured.row(n, n * 20, measured.LOGNORMAL(chance), gaps=[]) for n in range(HOURS // 20)]
        alarms += drifts(tmp_path, rows, [])["ttft, users, chat"] in (GROWS, FALLS)
    # 5 % of sixty, and what chance adds to it.
    assert alarms <= 6


def test_of_minutes_nothing_is_told(tmp_path: Path) -> None:
    rows = [measured.row(n, n, 0.2 + n) for n in range(300)]
    assert set(drifts(tmp_path, rows, []).values()) == {UNKNOWN}


def test_jains_index() -> None:
    assert index([3, 3, 3]) == pytest.approx(1)
    assert index([1, 0, 0, 0]) == pytest.approx(0.25)


def by_key(tmp_path: Path, speeds: dict[str, float], n: int = 100) -> dict[str, Any]:
    chance = random.Random(2)
    rows = [
        measured.row(number, number, measured.LOGNORMAL(chance) * slower, key=key)
        for number in range(n)
        for key, slower in speeds.items()
    ]
    return fairness(read(measured.written(tmp_path, rows)))


def test_keys_that_are_served_alike_have_an_index_of_one(tmp_path: Path) -> None:
    told = by_key(tmp_path, {"shop": 1.0, "accounting": 1.0, "nightly": 1.0})
    assert told["low"] <= 1.0 <= told["high"]
    assert told["low"] > 0.97


def test_a_key_that_waits_longer_is_seen(tmp_path: Path) -> None:
    told = by_key(tmp_path, {"shop": 1.0, "nightly": 10.0})
    assert told["high"] < 0.8
    assert told["keys"]["nightly"]["speed"]["high"] < told["keys"]["shop"]["speed"]["low"]


def test_one_key_is_compared_with_nobody(tmp_path: Path) -> None:
    assert by_key(tmp_path, {"shop": 1.0})["index"] is None
    assert "fewer than 10" in by_key(tmp_path, {"shop": 1.0, "a": 1.0}, n=5)["words"]
