# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
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


@pytest.mark.parametrize(
    ("frontends", "words"),
    [
        ({"librechat": {}}, "librechat: there are only anythingllm, open_webui"),
        ({"anythingllm": {}, "open_webui": {"domain": "Shop.lan"}}, "2 frontends have the name shop.lan"),
    ],
)
def test_what_cannot_be_published_is_refused(frontends: dict[str, dict[str, str]], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        gateway_sites(frontends, "shop.lan", "docker")
