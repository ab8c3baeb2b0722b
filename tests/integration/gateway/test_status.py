# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /status: what the models do now, told to who may know it, without anybody waiting for an engine."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fakes.engine import Engine
from fakes.fetcher import Fetcher
from integration import wheel
from integration.gateway.description import LIMITED_KEY, MESSAGES, SLOTS, Gateway, eventually, quickest

FETCHER = "h/run/fetcher/fetcher.sock"
WATCHER = "sk-0123456789-watcher"
MINI = Path(__file__).parents[3] / "files/models/hearth-mini.gguf"
LOADED = {"value": "loaded", "args": ["llama-server", "--secret"]}


def status(gateway: Gateway, key: str = WATCHER) -> dict[str, Any]:
    answer = gateway.ask("GET", "/status", key=key)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(json.loads(answer.body))


def model(gateway: Gateway, name: str, key: str = WATCHER) -> dict[str, Any]:
    return next(one for one in status(gateway, key)["models"] if one["name"] == name)


def becomes(gateway: Gateway, name: str, *states: str) -> None:
    eventually(lambda: model(gateway, name)["state"] in states, f"{name} is {' or '.join(states)}")


@pytest.fixture(autouse=True)
def _telling(alpha: Engine, beta: Engine) -> Iterator[None]:
    """A router, and a server of one model."""
    alpha.statuses = {"alpha": LOADED, "hasty": {"value": "unloaded"}}
    beta.models = ("beta",)
    yield
    for engine in (alpha, beta):
        engine.statuses, engine.models = {}, ()
        engine.tells.set()


def test_engines_are_asked_only_while_somebody_looks(gateway: Gateway, alpha: Engine) -> None:
    # They are asked on for ten seconds after a test before this one has looked, once a second.
    seen, since = -1, 0.0

    def unasked() -> bool:
        nonlocal seen, since
        if seen != alpha.looks:
            seen, since = alpha.looks, time.monotonic()
        return time.monotonic() - since > 2.5

    eventually(unasked, "nobody is asked any more", 30)
    gateway.complete({"model": "alpha", "messages": MESSAGES})
    assert gateway.ask("GET", "/v1/models").status == 200
    assert alpha.looks == seen
    # However many look, an answer does for a second.
    began = time.monotonic()
    with ThreadPoolExecutor(8) as lookers:
        list(lookers.map(lambda _: status(gateway), range(40)))
    eventually(lambda: alpha.looks > seen, "the engine is asked")
    assert alpha.looks - seen <= 1 + time.monotonic() - began
    told = ["loaded", "loaded", "unreachable", "idle"]
    eventually(lambda: [one["state"] for one in status(gateway)["models"]] == told, "the models are told")


def test_a_model_is_told_as_its_engine_tells_it(gateway: Gateway, alpha: Engine) -> None:
    for value, state in (("loading", "loading"), ("sleeping", "sleeping"), ("unloaded", "idle"), ("loaded", "loaded")):
        alpha.statuses["alpha"] = {"value": value}
        becomes(gateway, "alpha", state)
    alpha.statuses["alpha"] = {"value": "unloaded", "failed": True, "exit_code": 137}
    becomes(gateway, "alpha", "failed")
    assert "status 137" in model(gateway, "alpha")["why"]
    assert "does not answer" in model(gateway, "gone")["why"]


def test_a_fetch_is_told_with_its_progress_and_why_it_failed(gateway: Gateway) -> None:
    with Fetcher(gateway.directory / FETCHER) as fetcher:
        fetcher.tell("hasty", "fetching", done_bytes=1 << 30, total_bytes=4 << 30, eta_seconds=90)
        becomes(gateway, "hasty", "fetching")
        told = {"done_bytes": 1 << 30, "total_bytes": 4 << 30, "percent": 25, "eta_seconds": 90}
        assert model(gateway, "hasty")["fetch"] == told
        fetcher.tell("hasty", "failed", reason="the disk is full", why="3 GB are missing in /srv/models.")
        becomes(gateway, "hasty", "failed")
        assert (model(gateway, "hasty")["why"], model(gateway, "hasty")["fetch"]) == (fetcher.models[0]["why"], None)
        # Who does not run the host is told no more than who asks the model.
        assert model(gateway, "hasty", gateway.key)["why"] == "It was not fetched: the disk is full."
        # What is there is with its engine again.
        fetcher.tell("hasty", "ready")
        becomes(gateway, "hasty", "idle")


def test_an_operator_sees_all_and_others_what_is_theirs(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    keys = [LIMITED_KEY, gateway.key, gateway.key]
    with ThreadPoolExecutor(len(keys)) as clients:
        asked = [clients.submit(gateway.complete, {"model": "alpha", "messages": MESSAGES}, key) for key in keys]
        eventually(lambda: model(gateway, "alpha")["waiting"] == len(keys) - SLOTS, "one waits")
        eventually(lambda: model(gateway, "alpha")["longest_wait_seconds"] >= 1, "its wait is told")
        seen = status(gateway)
        alone = status(gateway, LIMITED_KEY)
        alpha.go.set()
        assert [one.result().status for one in asked] == [200] * len(keys)

    busy = next(one for one in seen["models"] if one["name"] == "alpha")
    assert (busy["slots"], busy["slots_in_use"]) == (SLOTS, SLOTS)
    assert busy["requests_per_minute"] >= len(keys)
    # The engine has said so of each of its answers. Those of tests before this one count, too, and some of them were cut off.
    eventually(lambda: (model(gateway, "alpha")["cached_share"] or 0) > 0, "it is counted")
    assert model(gateway, "alpha")["cached_share"] <= 0.4
    assert model(gateway, "alpha")["tokens_per_second"] >= 0
    assert {(one["key"], one["under_way"]) for one in seen["requests"]} == {("limited", 1), ("all", 2)}
    assert (seen["operator"], [host["name"] for host in seen["hosts"]]) == (True, ["localhost"])
    assert seen["hosts"][0]["memory_bytes"] > seen["hosts"][0]["memory_available_bytes"] > 0

    assert (alone["operator"], alone["key"], alone["hosts"]) == (False, "limited", [])
    assert [one["name"] for one in alone["models"]] == ["alpha"]
    assert alone["requests"] == [{"key": "limited", "model": "alpha", "under_way": 1}]
    # Nothing of what was asked, of how an engine was started, or of a key's text.
    for text in (json.dumps(seen), json.dumps(alone)):
        assert not [word for word in ("Count to three", "--secret", LIMITED_KEY, WATCHER) if word in text]


def test_nobody_waits_for_an_engine_that_hangs(gateway: Gateway, alpha: Engine, beta: Engine) -> None:
    becomes(gateway, "alpha", "loaded")
    alpha.tells.clear()
    beta.models, beta.statuses = (), {"beta": {"value": "loading"}}
    eventually(lambda: model(gateway, "beta")["state"] == "loading", "the other one is told")

    def ask() -> None:
        assert gateway.complete({"model": "alpha", "messages": MESSAGES}).status == 200
        status(gateway)

    assert quickest(ask, 1) < 1
    becomes(gateway, "alpha", "unreachable")
    alpha.tells.set()
    becomes(gateway, "alpha", "loaded")


def test_it_is_open_with_a_key_only(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/status", key="sk-wrong").error["code"] == "invalid_api_key"
    assert gateway.ask("POST", "/status", {}).status == 405
    assert gateway.ask("HEAD", "/status").body == ""
    for path in ("/status/keys", "/statuses", "/v1/status"):
        assert gateway.ask("GET", path).status == 404, path

    # A browser is asked for a key by a dialogue, and a program is not.
    page = {"Accept": "text/html", "Authorization": ""}
    assert gateway.ask("GET", "/status", headers=page).headers["WWW-Authenticate"].startswith("Basic")
    assert gateway.ask("GET", "/status", key="sk-wrong").headers["WWW-Authenticate"].startswith("Bearer")
    for user in ("", "watcher", "a:b"):
        basic = base64.b64encode(f"{user}:{WATCHER}".encode()).decode()
        answer = gateway.ask("GET", "/status", headers={"Authorization": f"Basic {basic}"})
        assert answer.status == (200 if ":" not in user else 401), user
        both = gateway.ask("GET", "/status", headers={"Authorization": f"Basic {basic}", "X-Api-Key": gateway.key})
        assert both.error["code"] == "ambiguous_api_key"
        # It is for this path alone.
        assert gateway.ask("GET", "/v1/models", headers={"Authorization": f"Basic {basic}"}).status == 401


def test_a_real_engine_is_seen_coming_sleeping_and_waking(gateway: Gateway, tmp_path: Path) -> None:
    becomes(gateway, "gone", "unreachable")
    host, _, port = gateway.models["gone"]["addresses"][0].partition(":")
    options = {"model": str(MINI), "alias": "gone", "host": host, "port": int(port), "sleep-idle-seconds": 3}
    with wheel.serving(tmp_path, "gone", {**options, "ctx-size": 2048}):
        becomes(gateway, "gone", "loaded", "sleeping")
        # Being looked at keeps nobody awake.
        becomes(gateway, "gone", "sleeping")

        def wakes() -> bool:
            answer = gateway.complete({"model": "gone", "messages": MESSAGES, "max_tokens": 8})
            assert answer.status == 200
            return bool(model(gateway, "gone")["state"] == "loaded")

        eventually(wakes, "it is seen awake")
    becomes(gateway, "gone", "unreachable")


def test_a_listed_model_says_what_it_is(running: Gateway, gateway: Gateway) -> None:
    listed = {one["id"]: one for one in json.loads(gateway.ask("GET", "/v1/models").body)["data"]}
    assert listed["alpha"] == json.loads(gateway.ask("GET", "/v1/models/alpha").body)
    created = listed["alpha"]["created"]
    assert time.time() - 86400 < created <= time.time()
    facts = {"alpha": {"parameters": 7615616512, "trained_context_tokens": 32768, "sees": True}}
    # More than fit into a line of HAProxy's maps.
    many = {f"m{number}": {"addresses": ["127.0.0.1:1"], "says_usage": True} for number in range(100)}
    described = {**running.models, **many}
    closed = running.describe(
        gateway_models=described, gateway_contexts={"alpha": 8192}, gateway_model_facts=facts, gateway_status=False
    )
    assert closed.changed
    try:
        assert gateway.ask("GET", "/status").status == 404
        assert len(json.loads(gateway.ask("GET", "/v1/models").body)["data"]) == len(described)
        told = json.loads(gateway.ask("GET", "/v1/models/alpha").body)
        assert {"/v1/chat/completions", "/v1/messages"} <= set(told.pop("endpoints"))
        assert told == {
            "id": "alpha",
            "object": "model",
            "owned_by": "hearth",
            "created": created,
            "context_length": 8192,
            "max_model_len": 8192,
            "meta": {"n_ctx_train": 32768, "n_params": 7615616512},
            "modalities": {"input": ["text", "image"], "output": ["text"]},
        }
    finally:
        running.describe()
    # What a run does not know stays as it was deployed.
    assert model(gateway, "alpha")["context_length"] == 8192
