# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.filter.gateway_frontend_keys import gateway_frontend_keys


def test_a_frontend_counts_as_many_as_it_has_users() -> None:
    users = [{"name": "ann"}, {"name": "ben"}]
    assert gateway_frontend_keys({"anythingllm": None, "open_webui": {}}, users) == [
        {"name": "anythingllm", "weight": 2, "names_users": False},
        {"name": "open_webui", "weight": 2, "names_users": True},
    ]
    assert gateway_frontend_keys({"anythingllm": {}}, [])[0]["weight"] == 1
