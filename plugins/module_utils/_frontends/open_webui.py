# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open WebUI."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._frontends._contract import Frontend


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


FRONTEND = OpenWebUi()
