# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.open_webui_described import open_webui_described

ASSISTANTS: list[dict[str, Any]] = [
    {"name": "Doc", "model": "m", "documents": "papers", "description": "Knows", "chunk_tokens": 100, "top_n": 2},
    {"name": "Agent", "model": "m", "documents": "more", "mode": "automatic"},
    {"name": "Brand", "model": "m", "mode": "chat", "members": ["ana"]},
    {"name": "Old", "model": "m", "state": "absent"},
]


def test_documents_are_a_knowledge_of_the_assistants_name_that_goes_with_it() -> None:
    assert open_webui_described(ASSISTANTS, 200, 25)["knowledge"] == [
        {"name": "Doc", "description": "Knows", "src": "papers", "chunk_tokens": 100, "chunk_overlap_tokens": 12},
        {"name": "Agent", "src": "more", "chunk_tokens": 200, "chunk_overlap_tokens": 25},
        {"name": "Old", "state": "absent"},
    ]


def test_only_an_agent_is_asked_with_tools() -> None:
    doc, agent, brand, old = open_webui_described(ASSISTANTS, 200, 25)["models"]

    assert (doc["function_calling"], agent["function_calling"], brand["function_calling"]) == (
        "legacy",
        "native",
        "legacy",
    )
    assert (doc["knowledge"], brand.get("knowledge")) == (["Doc"], None)
    assert old == {"name": "Old", "model": "m", "state": "absent"}
    assert open_webui_described(ASSISTANTS, 200, 25, whole=True)["models"][2]["knowledge"] == []
