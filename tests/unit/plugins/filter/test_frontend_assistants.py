# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.frontend_assistants import frontend_assistants

ASSISTANTS: dict[str, dict[str, Any]] = {
    "BrandSpark": {"model": "chat", "temperature": 1.0},
    "CodeSage": {"model": "coder", "members": ["ben"]},
    "Web": {"model": "chat", "frontends": ["open_webui"]},
}
USERS: list[dict[str, Any]] = [
    {"name": "ana"},
    {"name": "ben", "assistants": ["BrandSpark"]},
    {"name": "cem", "assistants": ["CodeSage"]},
    {"name": "dan", "state": "absent"},
]


def test_who_may_use_what_can_be_said_on_either_side() -> None:
    members = {entry["name"]: entry["members"] for entry in frontend_assistants(ASSISTANTS, USERS, "anythingllm")}
    assert members == {"BrandSpark": ["ana", "ben"], "CodeSage": ["ben", "cem"]}


def test_a_frontend_has_what_is_for_it() -> None:
    described = frontend_assistants(ASSISTANTS, USERS, "open_webui")
    assert [entry["name"] for entry in described] == ["BrandSpark", "CodeSage", "Web"]
    assert described[0] == {"name": "BrandSpark", "model": "chat", "temperature": 1.0, "members": ["ana", "ben"]}
