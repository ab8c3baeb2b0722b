# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _anythingllm_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._anythingllm_agents import agents

INPUTS: dict[str, Any] = {
    "host": "shop",
    "assistants": [{"name": "Doc", "model": "nemo", "members": ["ana"], "description": "Knows"}],
    "users": [{"name": "ana", "role": "manager", "daily_messages": 9, "email": "a@x.org"}],
    "admin": "admin",
    "models": {"nemo": {"context_tokens": 8192, "max_output_tokens": 512}, "long": {"slots": 2}, "open": None},
    "contexts": {"long": 32768, "open": 16384, "nemo": 99},
    "url": "https://chat.lan",
    "provider_url": "https://shop.lan:8443/v1",
    "model": "long",
    "context_tokens": 0,
    "max_output_tokens": 0,
    "embedding_model": "",
    "embedding_tokens": 0,
    "request_max_bytes": "1048576",
    "agent_skills": None,
    "search_provider": "",
    "has_search_key": False,
    "search_url": "",
    "search_engine": "",
    "settings": {},
    "accept_removals": "users",
    "removal_percent_max": 50,
    "secrets_directory": "/s",
}


def plan(**changes: Any) -> dict[str, Any]:
    return _anythingllm_plan.plan({**INPUTS, **changes})


def window(**changes: Any) -> tuple[int, int]:
    settings = plan(**changes)["settings"]
    return int(settings["GenericOpenAiTokenLimit"]), int(settings["GenericOpenAiMaxTokens"])


def test_the_window_is_the_smallest_of_the_models_that_are_used() -> None:
    assert window() == (8192, 512)
    # What the description says goes before what was decided, and what was decided before the usual.
    assert window(assistants=[]) == (32768, 1024)
    assert window(assistants=[], model="open") == (16384, 1024)
    assert window(assistants=[], contexts={}) == (4096, 1024)
    assert window(assistants=[], model="gone") == (4096, 1024)
    assert window(assistants=[], contexts={"long": 2048}) == (2048, 512)
    assert window(context_tokens="1000", max_output_tokens=100) == (1000, 100)


def test_an_embedder_is_told_what_its_model_takes(tmp_path: Path) -> None:
    assert not [name for name in plan()["settings"] if name.startswith("Embedding")]
    assert plan()["provider_key_settings"] == ["GenericOpenAiKey"]
    (tmp_path / "a.md").write_text("Text.")
    given = {"embedding_model": "e", "assistants": [{"name": "Doc", "model": "nemo", "documents": str(tmp_path)}]}
    short = plan(**given)
    assert short["settings"]["EmbeddingModelMaxChunkLength"] == int((512 - 80) / 1.2)
    assert plan(**given, contexts={"e": 1024})["settings"]["EmbeddingModelMaxChunkLength"] == int((1024 - 80) / 1.2)
    assert plan(**given, embedding_tokens=8192)["settings"]["EmbeddingModelMaxChunkLength"] == 1000
    assert "GenericOpenAiEmbeddingApiKey" in short["provider_key_settings"]
    assert set(short["preferences"]) == {"text_splitter_chunk_size", "text_splitter_chunk_overlap"}
    (documents,) = short["documents"]
    assert (documents["workspace"], documents["exclusive"], documents["chunk_size"]) == ("Doc", True, 360)
    assert short["reading"] == ["Doc"]


def test_ones_own_settings_go_before_what_follows() -> None:
    assert plan(settings={"VectorDB": "pgvector"})["settings"]["VectorDB"] == "pgvector"


def test_users_are_described_with_the_administrator_and_log_in_by_name() -> None:
    found = plan()
    assert found["users"] == [
        {"name": "ana", "role": "manager", "daily_message_limit": 9},
        {"name": "admin", "role": "admin"},
    ]
    assert found["names"] == ["ana", "admin"]
    assert found["page"]["administrator"] == "admin"
    assert found["page"]["logins"] == {"ana": "/s/users/ana", "admin": "/s/users/admin"}
    assert plan(admin="ana")["users"] == [{"name": "ana", "role": "manager", "daily_message_limit": 9}]


def test_without_users_everybody_shares_one_password_and_nobody_is_a_member() -> None:
    assert plan()["workspaces"][0]["members"] == ["ana"]
    alone = plan(users=[])
    assert alone["page"]["logins"] == {"": "/s/anythingllm/auth_token"}
    assert alone["workspaces"] == [
        {"name": "Doc", "model": "nemo", "state": "present", "mode": "chat", "provider": "generic-openai"}
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": ""}, "AnythingLLM on shop needs a model that is loaded at the start"),
        ({"assistants": [{"name": "D", "model": "nemo", "documents": "p"}]}, "needs a model that embeds documents"),
        ({"agent_skills": ["web-browser"]}, "hearth_frontends.anythingllm.agent_skills: AnythingLLM knows no skill"),
    ],
)
def test_what_cannot_be_is_a_finding(changes: dict[str, Any], words: str) -> None:
    assert words in plan(**changes)["findings"][0]
    assert plan()["findings"] == []


def test_what_was_accepted_may_go_wholly() -> None:
    assert plan()["percent_max"] == {"documents": 50, "users": 100, "assistants": 50}


def test_skills_and_search_become_settings_and_a_misspelling_a_finding() -> None:
    given = {
        "agent_skills": ["rag-memory", "web-browsing"],
        "search_provider": "searxng-engine",
        "search_url": "http://s",
    }
    assert agents(given) == {
        "preferences": {
            "disabled_agent_skills": ["document-summarizer", "web-scraping"],
            "default_agent_skills": ["web-browsing"],
            "agent_search_provider": "searxng-engine",
        },
        "settings": {"AgentSearXNGApiUrl": "http://s"},
        "key_settings": [],
        "findings": [],
    }
    found = agents({"search_provider": "tavily-search", "has_search_key": True})
    assert (found["key_settings"], found["findings"]) == (["AgentTavilyApiKey"], [])
    for wrong, words in (
        ({"agent_skills": ["web-browser"]}, "knows no skill web-browser, and would ignore it"),
        ({"search_provider": "searxng"}, "knows no searxng"),
        ({"search_provider": "searxng-engine"}, "search_url: searxng-engine needs one"),
        ({"search_provider": "duckduckgo-engine", "has_search_key": True}, "search_key: duckduckgo-engine has none"),
        ({"agent_skills": [], "search_provider": "duckduckgo-engine"}, "without web-browsing no agent searches"),
    ):
        assert words in agents(wrong)["findings"][0]
    assert agents({"agent_skills": None})["preferences"] == {}
