# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.plugin_utils import _gateway_plan
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

INPUTS: dict[str, Any] = {
    "models": {
        "chat": {"addresses": ["a:1"], "max_output_tokens": "512"},
        "long": {"addresses": ["a:2"], "answer_deadline_seconds": "7200"},
    },
    "sites": {
        "open_webui": {"domains": ["Chat.shop.lan", "shop.lan"]},
        "anythingllm": {"domains": ["docs.shop.lan"]},
    },
    "domain": "shop.lan",
    "queue_timeout_seconds": "120",
    "answer_timeout_seconds": "3600",
    "answer_deadline_seconds": "1800",
    "acme_account_key_file": "",
}


def plan(**changes: Any) -> dict[str, Any]:
    return _gateway_plan.plan({**INPUTS, **changes})


def test_a_reload_leaves_streams_alone_as_long_as_the_slowest_model_may_take() -> None:
    assert plan()["deadlines"] == {"chat": 1800, "long": 7200}
    assert plan()["longest_seconds"] == 7200
    assert plan(models={})["longest_seconds"] == 3600


@pytest.mark.parametrize("seconds", [4, 120, 500])
def test_everybodys_turn_comes_before_he_has_waited_in_vain(seconds: int) -> None:
    turns = plan(queue_timeout_seconds=seconds)["turns"]
    assert 0 < turns["step_ms"] < turns["batch_ms"] < turns["latest_ms"]
    assert turns["latest_ms"] + turns["batch_ms"] < seconds * 1000


def test_only_who_has_a_longest_answer_is_held_to_it() -> None:
    assert plan()["longest_map"].splitlines()[1:] == ["chat 512"]


def test_each_model_is_for_what_its_engine_and_its_task_are_for() -> None:
    models = {
        "any": {"addresses": ["a:1"]},
        "ranker": {"addresses": ["a:2"], "task": "rerank"},
        "told": {"addresses": ["a:3"], "task": "chat", "paths": ["/v1/completions"]},
    }
    paths = {name: backend["paths"] for name, backend in plan(models=models)["backends"].items()}
    assert paths["ranker"] == ["/v1/rerank"]
    assert paths["told"] == ["/v1/completions"]
    assert {"/v1/chat/completions", "/v1/embeddings"} < set(paths["any"])
    assert "/v1/rerank" not in paths["any"]
    assert "/v1/rerank" not in plan()["paths"]


def test_the_instances_of_a_model_are_servers_and_known_for_as_long_as_they_are_loaded() -> None:
    several = {"addresses": ["a:1", "a.2:1"], "slots": 2}
    models = {"chat": several, "brief": {**several, "idle_unload_seconds": 60}, "one": {"addresses": ["b:1"]}}
    found = plan(models=models)
    assert found["backends"]["chat"]["servers"] == {
        "engine": {"address": "a:1", "host": "", "slots": 2},
        "engine.2": {"address": "a.2:1", "host": "", "slots": 2},
    }
    assert found["backends"]["one"]["servers"] == {"engine": {"address": "b:1", "host": "", "slots": None}}
    assert not found["looks"]
    assert found["several"] == {"brief": 60, "chat": 3600}
    assert found["several_map"].splitlines()[1:] == ["brief 2", "chat 2"]


def test_servers_on_several_hosts_have_the_names_and_the_slots_of_these() -> None:
    hosts = {"hosts": ["one", "two", "two"], "slots": 2, "slots_of_hosts": {"two": 8}}
    found = plan(models={"chat": {"addresses": ["a:1", "b:1", "b:2"], **hosts}, "own": {"addresses": ["c:1"]}})
    assert found["backends"]["chat"]["servers"] == {
        "one": {"address": "a:1", "host": "one", "slots": 2},
        "two": {"address": "b:1", "host": "two", "slots": 8},
        "two.2": {"address": "b:2", "host": "two", "slots": 8},
    }
    assert (found["shared_out"], found["looks"]) == (["chat"], True)


def test_the_gateway_has_the_names_of_its_sites_each_once() -> None:
    assert plan()["names"] == ["shop.lan", "docs.shop.lan", "Chat.shop.lan"]
    assert plan()["sites_map"].splitlines()[1:] == [
        "docs.shop.lan site_anythingllm",
        "chat.shop.lan site_open_webui",
        "shop.lan site_open_webui",
    ]


def test_whoever_asks_for_others_says_so_in_the_header_of_its_frontend() -> None:
    assert plan()["user_headers"] == [frontends()["open_webui"].user_header]


def test_a_challenge_is_answered_by_the_keys_thumbprint(tmp_path: Path) -> None:
    path = tmp_path / "account.key"
    assert plan()["acme_thumbprint"] == plan(acme_account_key_file=str(path))["acme_thumbprint"] == ""
    for curve, usable in ((SECP256R1(), True), (SECP384R1(), False)):
        key = generate_private_key(curve)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        if usable:
            assert re.fullmatch(r"[A-Za-z0-9_-]{43}", plan(acme_account_key_file=str(path))["acme_thumbprint"])
        else:
            with pytest.raises(AnsibleFilterError, match="is not an EC key on P-256"):
                plan(acme_account_key_file=str(path))
