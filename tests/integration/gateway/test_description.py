# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway's role refuses before it changes anything, and how the service is verified with the keys that there are."""

from __future__ import annotations

import hashlib
from typing import Any

from fakes.engine import Engine
from integration.conftest import Outcome
from integration.gateway.description import HASH, KEYS, LIMITED_KEY, MESSAGES, Gateway


def test_taking_most_keys_away_is_refused_until_it_is_confirmed(gateway: Gateway) -> None:
    few: list[dict[str, Any]] = [{"name": "all"}]
    for options in ((), ("--check",)):
        run = gateway.describe(*options, gateway_api_keys=few, succeeds=False)
        # Those of KEYS, and two of others.
        number = len(KEYS) + 2
        assert f"This would remove {number} of {number + 1} API keys of the gateway: " in run.words
        assert "set hearth_accept_removals: [api_keys]" in run.words
        assert run.changed == 0
    # Keys that cannot be read are not keys that are not there.
    limits = gateway.directory / "h/services/gateway/current/limits.map"
    aside = limits.rename(limits.with_name("aside"))
    limits.mkdir()
    assert gateway.describe(gateway_api_keys=few, succeeds=False).changed == 0
    limits.rmdir()
    aside.rename(limits)
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}, LIMITED_KEY).status == 200
    try:
        gateway.describe(gateway_api_keys=few, hearth_accept_removals="api_keys")
        assert gateway.complete({"model": "alpha", "messages": MESSAGES}, LIMITED_KEY).status == 401
    finally:
        gateway.describe()


def test_an_origin_that_no_browser_sends_is_refused(gateway: Gateway) -> None:
    origins = ["https://app.example.org/", "app.example.org", "https://a.example b"]
    run = gateway.describe(gateway_cors_origins=["https://app.example.org:8443", *origins], succeeds=False)
    assert f"gateway_cors_origins names {', '.join(origins)}: write an origin as browsers do" in run.words
    assert run.changed == 0


def test_keys_that_cannot_be_handed_over_are_refused_before_the_gateway_changes(gateway: Gateway) -> None:
    workers = gateway.workers
    theirs = gateway.directory / "theirs.conf"
    theirs.write_text("of somebody else")
    keys: list[dict[str, Any]] = [
        {"name": "all", "hand_over": {"path": "/nowhere/at/all/key", "owner": "root"}},
        {"name": "office", "hand_over": {"path": str(theirs), "owner": "root"}},
        {"name": "limited", "key": LIMITED_KEY, "hand_over": {"path": "/root/key", "owner": "nobody-of-that-name"}},
        {"name": "new"},
        *KEYS,
    ]
    run = gateway.describe("-v", gateway_api_keys=keys, succeeds=False)
    assert "there is no directory /nowhere/at/all: make it" in run.words
    assert "there is no user nobody-of-that-name: make it" in run.words
    assert "something lies there that is no key of ours: write another path" in run.words
    assert theirs.read_text() == "of somebody else"
    assert LIMITED_KEY not in run.output
    assert run.changed == 0
    assert gateway.workers <= workers
    assert not (gateway.directory / "secrets/api_keys/new").exists()


def verified(gateway: Gateway, *runs: list[dict[str, Any]], succeeds: bool = True, **variables: Any) -> Outcome:
    """A play for each list of keys."""
    described = {
        "hearth_models": {"alpha": {"path": "/alpha.gguf"}},
        "hearth_secrets_directory": str(gateway.directory / "secrets"),
        "hearth_port": gateway.port,
        "verify_exposure_enabled": False,
        **variables,
    }
    play = {"hosts": "localhost", "gather_facts": False, "roles": ["hearth.llm.verify"]}
    plays = [{**play, "vars": {**described, "hearth_api_keys": keys}} for keys in runs]
    return gateway.run_playbook(plays, succeeds=succeeds)


def test_a_key_with_any_limit_can_be_asked_with(gateway: Gateway, alpha: Engine) -> None:
    limits: list[dict[str, Any]] = [
        {"concurrency": 8},
        {"requests_per_minute": 60},
        {"expires": "2099-06-30"},
        {"priority": "batch"},
        {"weight": 3},
        {"rotation": "2026-11", "overlap_days": 3},
        {"hand_over": {"path": "/root/key", "owner": "root"}},
    ]
    verified(gateway, *([{"name": "all", **limit}] for limit in limits))
    assert len(alpha.received) == len(limits)


def test_a_key_that_may_ask_as_often_as_it_likes_is_asked_with_before_others(gateway: Gateway, alpha: Engine) -> None:
    keys: list[dict[str, Any]] = [
        {"name": "slow", "key": "sk-0123456789-slow", "requests_per_minute": 1},
        {"name": "all"},
    ]
    verified(gateway, keys, keys, keys)
    assert len(alpha.received) == 3


def test_where_no_text_of_a_key_is_known_what_needs_none_is_proven(gateway: Gateway, alpha: Engine) -> None:
    keys = [{"name": "hashed", "sha256": HASH}, {"name": "other", "sha256": hashlib.sha256(b"other").hexdigest()}]
    run = verified(gateway, keys)
    assert "Prove that the gateway refuses whoever has no key" in run.output
    assert "No text of a key is known on this controller" in run.words
    assert alpha.received == []


def test_a_door_that_does_not_refuse_fails_that_proof(gateway: Gateway) -> None:
    """Below another path there is nothing, which is no refusal."""
    wrong = f"https://localhost:{gateway.port}/open"
    run = verified(gateway, [{"name": "hashed", "sha256": HASH}], succeeds=False, verify_url=wrong)
    assert "Status code was 404" in run.words
