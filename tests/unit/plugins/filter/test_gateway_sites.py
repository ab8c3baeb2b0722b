# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.filter.gateway_sites import gateway_sites


def test_a_frontend_without_a_name_of_its_own_has_the_service_s_name() -> None:
    sites = gateway_sites({"anythingllm": None, "open_webui": {"domain": "chat.shop.lan"}}, "shop.lan", "docker")
    assert {name: (site["address"], site["domains"]) for name, site in sites.items()} == {
        "anythingllm": ("anythingllm:3001", ["shop.lan"]),
        "open_webui": ("open_webui:8080", ["chat.shop.lan"]),
    }
    assert "/api/env-dump" in sites["anythingllm"]["closed_paths"]


def test_a_process_listens_on_loopback() -> None:
    assert gateway_sites({"open_webui": {}}, "localhost", "process")["open_webui"]["address"] == "127.0.0.1:13080"
