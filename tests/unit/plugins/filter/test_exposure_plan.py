# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.exposure_plan import exposure_plan
from ansible_collections.hearth.llm.plugins.filter.gateway_sites import gateway_sites

URL = "https://shop.lan:8443/v1"


def test_without_frontends_the_usual_paths_are_closed() -> None:
    assert exposure_plan({}, URL) == {"sites": [], "closed_paths": [], "tolerated_ports": []}


def test_a_frontend_with_the_gateways_name_leaves_what_is_below_the_api_and_what_is_its_own() -> None:
    found = exposure_plan(gateway_sites({"anythingllm": {}}, "shop.lan", "docker"), URL)
    assert found["sites"] == []
    assert {"/v1/slots", "/api/env-dump"} <= set(found["closed_paths"])
    assert "/docs" not in found["closed_paths"]


def test_a_frontend_with_a_name_of_its_own_is_asked_there() -> None:
    found = exposure_plan(gateway_sites({"anythingllm": {"domain": "chat.lan"}}, "shop.lan", "docker"), URL)
    assert found["closed_paths"] == []
    assert [site["url"] for site in found["sites"]] == ["https://chat.lan:8443"]


def test_of_further_ports_those_of_tcp_may_answer_each_of_a_range() -> None:
    described: list[Any] = [
        {"port": "8000-8002"},
        {"port": 51820, "protocol": "udp"},
        {"port": 9090, "protocol": "tcp"},
        22,
    ]
    assert exposure_plan({}, URL, described)["tolerated_ports"] == [22, 8000, 8001, 8002, 9090]
