# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _open_webui_plan

ASSISTANTS: list[dict[str, Any]] = [
    {"name": "Doc", "model": "m", "documents": "papers", "description": "Knows", "chunk_tokens": 100, "top_n": 2},
    {"name": "Agent", "model": "m", "documents": "more", "mode": "automatic"},
    {"name": "Brand", "model": "m", "mode": "chat", "members": ["ana"]},
    {"name": "Old", "model": "m", "state": "absent"},
]


INPUTS: dict[str, Any] = {
    "host": "shop",
    "assistants": ASSISTANTS,
    "users": [{"name": "ana", "role": "manager"}, {"name": "bob", "email": "b@x.org", "state": "absent"}],
    "admin": "admin",
    "email_domain": "shop.lan",
    "models": {"m": {"context_tokens": 8192}},
    "url": "https://chat.shop.lan",
    "provider_url": "https://shop.lan:8443/v1",
    "embedding_model": "embedder",
    "embedding_context_tokens": 512,
    "embedding_requests": "2",
    "chunk_tokens": 200,
    "chunk_overlap_tokens": 25,
    "top_k": 0,
    "rag_template": "",
    "settings": {},
    "exclusive": False,
    "accept_removals": "users, documents",
    "removal_percent_max": "50",
    "secrets_directory": "/s",
}


def plan(**changes: Any) -> dict[str, Any]:
    return _open_webui_plan.plan({**INPUTS, **changes})


def test_documents_are_a_knowledge_of_the_assistants_name_that_goes_with_it() -> None:
    assert plan()["knowledge"] == [
        {"name": "Doc", "description": "Knows", "src": "papers", "chunk_tokens": 100, "chunk_overlap_tokens": 12},
        {"name": "Agent", "src": "more", "chunk_tokens": 200, "chunk_overlap_tokens": 25},
        {"name": "Old", "state": "absent"},
    ]


def test_only_an_agent_is_asked_with_tools() -> None:
    doc, agent, brand, old = plan()["models"]

    assert (doc["function_calling"], agent["function_calling"], brand["function_calling"]) == (
        "legacy",
        "native",
        "legacy",
    )
    assert (doc["knowledge"], brand.get("knowledge")) == (["Doc"], None)
    assert old == {"name": "Old", "model": "m", "state": "absent"}
    assert plan(exclusive=True)["models"][2]["knowledge"] == []


def test_pieces_are_as_many_as_an_assistant_wishes_unless_the_role_is_told_otherwise() -> None:
    assert plan()["settings"]["rag.top_k"] == 2
    assert plan(assistants=ASSISTANTS[2:])["settings"]["rag.top_k"] == 3
    assert plan(top_k="5")["settings"]["rag.top_k"] == 5
    assert plan(top_k=5, settings={"rag.top_k": 7, "ui.banner": 1})["settings"]["rag.top_k"] == 7


@pytest.mark.parametrize(
    ("changes", "size", "overlap"),
    [
        # Of a text of unknown script each character may be a token of the embedding model.
        ({}, 504, 100),
        ({"embedding_context_tokens": 8192}, 800, 100),
        ({"embedding_context_tokens": 8192, "chunk_overlap_tokens": 199}, 800, 200),
    ],
)
def test_what_people_upload_is_never_longer_than_the_embedding_model_takes(
    changes: dict[str, Any], size: int, overlap: int
) -> None:
    found = plan(**changes)["settings"]
    assert (found["rag.chunk_size"], found["rag.chunk_overlap"]) == (size, overlap)


@pytest.mark.parametrize(("tokens", "pieces"), [(200, 16), (8000, 10), (100000, 1)])
def test_no_request_to_the_embedding_model_is_longer_than_the_gateway_takes(tokens: int, pieces: int) -> None:
    found = plan(assistants=[{"name": "Doc", "model": "m", "documents": "p", "chunk_tokens": tokens}])["embedding"]
    assert (found["batch_size"], found["concurrent_requests"]) == (pieces, 2)
    assert tokens * pieces * 12 <= 1 << 20 or pieces == 1


def test_users_have_an_address_and_no_manager_is_there() -> None:
    assert plan()["users"] == [
        {"email": "ana@shop.lan", "name": "ana", "role": "user"},
        {"email": "b@x.org", "name": "bob", "state": "absent", "role": "user"},
    ]
    assert plan()["names"] == ["ana", "bob", "admin"]
    assert plan(admin="ana")["names"] == ["ana", "bob"]
    page = plan()["page"]
    assert page["administrator"] == "admin@shop.lan"
    assert page["logins"] == {
        "admin@shop.lan": "/s/users/admin",
        "ana@shop.lan": "/s/users/ana",
        "b@x.org": "/s/users/bob",
    }


def test_those_that_are_there_are_asked_and_only_who_searches_has_sources() -> None:
    asked = {one["name"]: one["sources"] for one in plan()["asked"]}
    assert asked == {"Doc": True, "Agent": False, "Brand": False}


def test_what_was_accepted_may_go_wholly() -> None:
    assert plan()["percent_max"] == {"documents": 100, "users": 100, "assistants": 50}


def test_documents_need_a_model_that_embeds() -> None:
    assert plan()["findings"] == []
    assert "Open WebUI on shop needs a model that embeds documents" in plan(embedding_model="")["findings"][0]
    assert plan(embedding_model="", assistants=ASSISTANTS[2:])["findings"] == []
