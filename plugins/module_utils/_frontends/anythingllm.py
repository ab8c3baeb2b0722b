# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AnythingLLM."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._frontends._contract import Frontend, Key
from ansible_collections.hearth.llm.plugins.module_utils._kept import Kept


class AnythingLlm(Frontend):
    name = "anythingllm"
    title = "AnythingLLM"
    misspelled = ("anything_llm", "anything-llm", "anything")
    container_port = 3001
    port = 13001
    # What it answers to anybody who asks: it writes its settings, secrets among them, to its disk.
    closed_paths = ("/api/env-dump", "/api/v1/system/env-dump")
    # Vectors are a directory of files that name each other; the settings are one file, which is written in place.
    kept = Kept(
        place="anythingllm",
        without=("storage/models", "storage/tmp"),
        still=(".env", "storage/lancedb"),
        counts={
            "users": ("storage/anythingllm.db", "users"),
            "chats": ("storage/anythingllm.db", "workspace_chats"),
            "documents": ("storage/anythingllm.db", "workspace_documents"),
            "assistants": ("storage/anythingllm.db", "workspaces"),
            "api_keys": ("storage/anythingllm.db", "api_keys"),
            "vectors": ("storage/anythingllm.db", "document_vectors"),
        },
    )
    # What agents can, in mode automatic and with @agent in a chat.
    keys = (
        Key(
            "agent_skills",
            "texts",
            "all skills that agents have, as web-browsing",
            default="the server's",
            also=("skills", "agents", "tools"),
        ),
        Key(
            "search_provider",
            "text",
            "where agents search the web, as searxng-engine; none for nowhere",
            default="the server's",
            also=("search", "provider"),
        ),
        Key("search_key", "secret", "the key that the search service wants", default="none", also=("search_api_key",)),
        Key(
            "search_url",
            "url",
            "the address of a search service of one's own",
            default="none",
            also=("searxng_url",),
        ),
        Key(
            "search_engine",
            "text",
            "which engine the search service asks, as google (serpapi, searchapi)",
            default="the service's",
            also=("engine",),
        ),
    )


FRONTEND = AnythingLlm()
