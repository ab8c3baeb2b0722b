# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._open_webui.below import opened
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.models import slug
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.overlay import overlay
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.settings import is_secret


def test_what_is_named_is_laid_over_what_is_there() -> None:
    there = {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5}

    assert overlay(there, {"a": {"b": 3, "c": None}, "d": [], "f": 6}) == {"a": {"b": 3}, "d": [], "e": 5, "f": 6}
    assert there == {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5}


def test_what_is_below_opens_to_all_assistants_together_and_closes_to_nobody() -> None:
    there = {"m": {"everyone": False, "members": ["old"], "groups": []}}
    assistants: list[dict[str, Any]] = [
        {"model": "m", "members": ["anna"], "groups": ["kitchen"]},
        {"model": "m", "members": ["ben"], "everyone": False},
        {"model": "n", "everyone": True},
    ]

    assert opened(there, assistants, lambda state: [state["model"]]) == {
        "m": {"everyone": False, "members": ["anna", "ben", "old"], "groups": ["kitchen"]},
        "n": {"everyone": True, "members": [], "groups": []},
    }


def test_an_id_is_made_of_a_name_and_is_nobody_elses() -> None:
    assert [slug(name) for name in ("DocExplorer", "The Café's Best", " x/y ")] == [
        "docexplorer",
        "the-caf-s-best",
        "x-y",
    ]
    assert slug("Assistant", {"assistant"}) == "assistant-391e4051"
    assert slug("日本語").startswith("assistant-")
    assert slug("日本語") != slug("日本")
    assert len(slug("n" * 300)) < 256


def test_secrets_are_known_by_their_names() -> None:
    secret = ("rag.openai.api_key", "rag.docling_api_key", "oauth.google.client_secret", "web.search.yacy_password")
    public = ("auth.enable_api_keys", "auth.api_key.allowed_endpoints", "rag.tokenizer_model", "rag.top_k")

    assert [is_secret(key) for key in (*secret, *public)] == [True] * 4 + [False] * 4
