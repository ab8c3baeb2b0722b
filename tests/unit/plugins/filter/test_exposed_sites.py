# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.filter.exposed_sites import exposed_sites
from ansible_collections.hearth.llm.plugins.filter.gateway_sites import gateway_sites

URL = "https://shop.lan:8443/v1"


def test_without_frontends_the_usual_paths_are_closed() -> None:
    assert exposed_sites({}, URL) == {"sites": [], "closed_paths": []}


def test_a_frontend_with_the_gateways_name_leaves_what_is_below_the_api_and_what_is_its_own() -> None:
    found = exposed_sites(gateway_sites({"anythingllm": {}}, "shop.lan", "docker"), URL)
    assert found["sites"] == []
    assert {"/v1/slots", "/api/env-dump"} <= set(found["closed_paths"])
    assert "/docs" not in found["closed_paths"]


def test_a_frontend_with_a_name_of_its_own_is_asked_there() -> None:
    found = exposed_sites(gateway_sites({"anythingllm": {"domain": "chat.lan"}}, "shop.lan", "docker"), URL)
    assert found["closed_paths"] == []
    assert [site["url"] for site in found["sites"]] == ["https://chat.lan:8443"]
