# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_findings import gateway_findings

MODELS: dict[str, dict[str, Any]] = {
    "qwen3-8b": {"addresses": ["llama_cpp:8080"], "slots": 4},
    "tiny": {"addresses": ["unix@/run/tiny.sock"]},
}
KEYS: list[dict[str, Any]] = [
    {"name": "default"},
    {"name": "alice@example.com", "models": ["tiny"]},
    {"name": "bot", "sha256": "0a" * 32, "expires": date(2027, 1, 31), "priority": "batch", "concurrency": 4},
]


def test_a_good_description_has_no_findings() -> None:
    assert gateway_findings(MODELS, KEYS) == []


@pytest.mark.parametrize(
    ("models", "keys", "finding"),
    [
        ({"a/.b": {"addresses": ["x:1"]}}, [], "'a/.b' is no name for a served model"),
        ({"a": {"addresses": ["x:1"], "aliases": ["b c"]}}, [], "'b c' is no name for a served model"),
        ({"a": {"addresses": ["x:1"], "aliases": ["a"]}}, [], "gateway_models: the alias a of a is its own name"),
        (
            {"a/b": {"addresses": ["x:1"], "aliases": ["gpt-4o"]}},
            [{"name": "k", "models": ["gpt-4o"]}],
            "k is for gpt-4o, and served are a/b: write a/b for its alias gpt-4o.",
        ),
        ({"metrics": {"addresses": ["x:1"]}}, [], "the name metrics is one of the gateway's own"),
        (
            {"tiny": {"addresses": ["x:1"], "task": "ranking"}},
            [],
            "has the task 'ranking': there are chat, embedding, rerank",
        ),
        (
            {"tiny": {"addresses": ["http://x:1"]}},
            [],
            "tiny has the address 'http://x:1' in addresses: write host:port",
        ),
        ({"tiny": {}}, [], "tiny has the address '' in addresses: write host:port"),
        ({"tiny": {"addresses": ["x:1", "x:2"]}}, [], "tiny has several addresses and no slots"),
        ({"tiny": {"addresses": ["x:1"], "slots": 0}}, [], "tiny has '0' slots"),
        (MODELS, [{"name": "a b"}], "'a b' is no name for a key"),
        (MODELS, [{"name": "a/b"}], "'a/b' is no name for a key"),
        (MODELS, [{"name": "a"}, {"name": "a"}], "the name a is there 2 times"),
        (MODELS, [{"name": "a", "sha256": "abc"}], "is not 64 hexadecimal digits"),
        (MODELS, [{"name": "a", "sha256": "0a" * 32, "key": "k" * 20}], "has both key and sha256"),
        (MODELS, [{"name": "a", "tokens_per_day": "100k"}], "has '100k' tokens_per_day: write a number from 1"),
        (MODELS, [{"name": "a", "concurrency": 0}], "a has '0' concurrency: write a number from 1"),
        (MODELS, [{"name": "a", "priority": "high"}], "the priority 'high': there are interactive and batch"),
        (MODELS, [{"name": "a", "expires": "soon"}], "expires is 'soon': write a day, such as 2027-01-31"),
        (MODELS, [{"name": "a", "previous": [{"sha256": "0a" * 32}]}], "until is 'None'"),
        (
            {"tiny": {"addresses": ["x:1"], "answer_deadline_seconds": "1h"}},
            [],
            "tiny has '1h' answer_deadline_seconds",
        ),
        (MODELS, [{"name": "a", "models": ["tiny", "tinny"]}], "a is for tinny, and served are qwen3-8b, tiny"),
    ],
)
def test_each_finding_names_the_value_and_the_remedy(
    models: dict[str, Any], keys: list[dict[str, Any]], finding: str
) -> None:
    (found,) = gateway_findings(models, keys)
    assert finding in found


def test_a_weak_key_is_refused_without_being_shown() -> None:
    (found,) = gateway_findings(MODELS, [{"name": "a", "key": "changeme"}])
    assert "can be guessed" in found
    assert "changeme" not in found


def test_more_keys_than_was_meant_are_not_taken_away() -> None:
    there = ["default", "alice@example.com", "bot", "old", "older", "oldest", "ancient"]
    assert gateway_findings(MODELS, KEYS, there, 60) == []
    (finding,) = gateway_findings(MODELS, KEYS, there, "50")
    assert "API keys of the gateway" in finding
    assert "hearth_accept_removals: [api_keys]" in finding
    assert gateway_findings(MODELS, KEYS[:1], there, 100) == []
