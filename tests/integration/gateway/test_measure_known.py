# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of an engine that takes as long as it was told: figures hold what they say, a server that stands still is seen, and a slower one is found.

It takes some minutes, and is run by HEARTH_TEST_MEASURE=1.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import Engine, EngineFailsError
from integration.gateway.description import Gateway
from integration.gateway.test_measure import Measured

pytestmark = pytest.mark.skipif("HEARTH_TEST_MEASURE" not in os.environ, reason="set HEARTH_TEST_MEASURE=1")

# What the way through the gateway and two busy processors adds to what the engine was told, seconds.
WAY = 0.025
# The engine has so many slots, as the gateway is told: more would wait there.
USERS = 2


@pytest.fixture
def measured(gateway: Gateway, tmp_path: Path) -> Measured:
    return Measured(gateway, tmp_path)


@pytest.fixture(autouse=True)
def plain(alpha: Engine) -> Iterator[None]:
    yield
    alpha.forget()


def profile(**differs: Any) -> dict[str, Any]:
    asked = {"kind": "closed", "users": USERS, "requests": 1000, "seconds": 15, "prompts": "questions", "timeout": 30}
    return {"own": {**asked, **differs}}


def figures(measured: Measured) -> dict[str, Any]:
    (group,) = json.loads((measured.evidence() / "figures.json").read_text())["groups"]
    return dict(group)


def distributions() -> dict[str, tuple[Callable[[random.Random], float], float]]:
    """Each with its mean, seconds."""
    return {
        "always the same": (lambda _chance: 0.05, 0.05),
        "even": (lambda chance: chance.uniform(0.02, 0.08), 0.05),
        "exponential": (lambda chance: chance.expovariate(1 / 0.05), 0.05),
        "two kinds": (lambda chance: 0.2 if chance.random() < 0.25 else 0.02, 0.065),
        "skewed": (lambda chance: chance.lognormvariate(-3.2, 0.5), 0.0462),
        "with a long tail": (lambda chance: min(1.0, 0.02 * chance.paretovariate(2.5)), 0.0331),
    }


@pytest.mark.parametrize("name", distributions())
def test_figures_hold_what_the_engine_was_told(measured: Measured, alpha: Engine, name: str) -> None:
    drawn, mean = distributions()[name]
    chance, lock = random.Random(f"seed/{name}"), threading.Lock()
    told: list[float] = []
    failed = [0]

    def first() -> float:
        with lock:
            if chance.random() < 0.05:
                failed[0] += 1
                raise EngineFailsError("as it was told")
            told.append(drawn(chance))
            return told[-1]

    alpha.first_word, alpha.next_word, alpha.cached_tokens = first, lambda: 0.01, lambda: 7
    measured.run(load_test_profiles=profile(), load_test_profile="own", load_test_compares=False)
    group = figures(measured)
    requests, found = group["requests"], group["figures"]
    assert requests["failed"] == {"status": failed[0]}
    assert requests["succeeded"] == len(told) == found["ttft"]["n"]
    assert requests["error_rate"]["low"] <= 0.05 <= requests["error_rate"]["high"]
    assert group["tokens"]["cached"]["sum"] == 7 * len(told)
    for figure, wanted in (("ttft", mean), ("itl", 0.01), ("latency", mean + 0.02)):
        of_it = found[figure]["mean"]
        # On a machine that is busy a few answers may decide a mean: then it has no interval, and says why.
        low, high = (of_it["value"] if of_it[end] is None else of_it[end] for end in ("low", "high"))
        assert low - WAY <= wanted <= high, (figure, of_it)
        assert of_it["low"] is not None or of_it["why"]
    median = found["ttft"]["percentiles"]["50"]
    true = sorted(told)[len(told) // 2]
    assert median["low"] - WAY <= true <= median["high"] + 0.001, median


def test_a_server_that_stands_still_is_seen_where_a_closed_loop_hides_it(measured: Measured, beta: Engine) -> None:
    """The gateway has been told of no slots of this one, so that nobody waits there, and nobody is sent away."""

    def stalls() -> Callable[[], float]:
        first: list[float] = []

        def wait() -> float:
            """All stand still from the fifth to the fifteenth second after the first request."""
            now = time.monotonic()
            first.append(now)
            at = now - first[0]
            return 15 - at if 5 <= at < 15 else 0.01

        return wait

    slow = {}
    try:
        for kind, more in (("closed", {}), ("open", {"rate": 8, "arrivals": "even", "in_flight": 500})):
            beta.first_word = stalls()
            name = f"load-{kind}"
            asked = profile(kind=kind, seconds=25, timeout=60, pause=0.1 if kind == "closed" else 0, **more)
            run: dict[str, Any] = {"load_test_profiles": asked, "load_test_profile": "own", "load_test_compares": False}
            measured.run(**run, load_test_name=name, load_test_models=["beta"])
            path = measured.directory / f"measurements/{name}/raw/requests.jsonl"
            waits = [row["first"] - row["scheduled"] for row in map(json.loads, path.read_text().splitlines())]
            slow[kind] = sum(wait > 1 for wait in waits) / len(waits)
    finally:
        beta.forget()
    # Two of hundreds of requests have waited, and nobody else was there to wait; of a schedule's, two in five have.
    assert slow["closed"] < 0.02
    assert 0.3 < slow["open"] < 0.45


def test_the_same_engine_is_no_slower_and_a_slower_one_is_found(measured: Measured, alpha: Engine) -> None:
    chance, lock = random.Random(5), threading.Lock()

    def taking(factor: float) -> None:
        def draw(mean: float) -> float:
            with lock:
                return factor * mean * chance.uniform(0.7, 1.3)

        alpha.first_word, alpha.next_word = lambda: draw(0.08), lambda: draw(0.04)

    asked: dict[str, Any] = {"load_test_profiles": profile(seconds=25), "load_test_profile": "own"}
    for number in range(3):
        taking(1.0)
        measured.run(
            **asked, load_test_name=f"before-{number}", load_test_becomes_baseline="beside", load_test_compares=False
        )
    taking(1.0)
    measured.run(**asked, load_test_name="same")
    found = json.loads((measured.directory / "measurements/same/figures.json").read_text())
    # A machine that was busier meanwhile may leave it open.
    assert {one["verdict"] for one in found["comparison"]} <= {"no difference", "cannot tell"}
    taking(1.5)
    slower = measured.run(**asked, load_test_name="slower", succeeds=False).words
    assert "times as long as before" in slower


def test_a_host_of_the_inventory_asks_in_the_controllers_place(measured: Measured, alpha: Engine) -> None:
    measured.hosts("localhost", "client")
    groups = {"hearth_gateways": {"hosts": {"localhost": None}}, "hearth_clients": {"hosts": {"client": None}}}
    place = measured.directory / "groups.yml"
    place.write_text(json.dumps({"all": {"children": groups}}))
    measured.run("-i", str(place), load_test_from="client")
    assert {row["server"] for row in measured.rows()} == {"engine"}
    assert len(measured.rows()) == len(alpha.received)
    assert not list(Path("/tmp").glob("hearth-load-test-*"))
