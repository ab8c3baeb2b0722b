# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open WebUI."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._frontends._contract import Frontend
from ansible_collections.hearth.llm.plugins.module_utils._kept import Kept


class OpenWebUi(Frontend):
    name = "open_webui"
    title = "Open WebUI"
    runtimes = ("docker", "process")
    misspelled = ("openwebui", "open-webui", "webui", "open_web_ui")
    container_port = 8080
    port = 13080
    user_header = "X-OpenWebUI-User-Id"
    # A slug is AnythingLLM's.
    ignores = ("slug",)
    # Beside the database of vectors lie their indices, which are written in place.
    kept = Kept(
        place="open_webui",
        without=("cache", "static", ".cache"),
        still=("vector_db",),
        counts={
            "users": ("webui.db", "user"),
            "chats": ("webui.db", "chat"),
            "documents": ("webui.db", "file"),
            "assistants": ("webui.db", "model"),
            "api_keys": ("webui.db", "api_key"),
            "vectors": ("vector_db/chroma.sqlite3", "embeddings"),
        },
    )


FRONTEND = OpenWebUi()
