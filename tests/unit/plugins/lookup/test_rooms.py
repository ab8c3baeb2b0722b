# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])

DEFAULTS = Path(__file__).parents[4] / "roles/gateway/defaults/main.yml"


def frontends(**variables: Any) -> dict[str, dict[str, Any]]:
    lookup = lookup_loader.get("hearth.llm.rooms", loader=DataLoader(), templar=Templar(DataLoader()))
    return {room["name"]: room for room in lookup.run(["frontends"], variables)}


def api_keys(**variables: Any) -> Any:
    """As the role gateway has them by default."""
    loader = DataLoader()
    templar = Templar(loader, variables=variables)
    return templar.template(loader.load_from_file(str(DEFAULTS), trusted_as_template=True)["gateway_api_keys"])


@pytest.mark.parametrize(("users", "people"), [([{"name": "ann"}, {"name": "ben"}], 2), ([], 1), (None, 1)])
def test_a_frontend_counts_as_many_as_it_has_users(users: Any, people: int) -> None:
    found = frontends(hearth_frontends={"open_webui": {}}, hearth_users=users)
    assert {name: (room["described"], room["people"]) for name, room in found.items()} == {
        "anythingllm": (False, people),
        "open_webui": (True, people),
    }


def test_each_frontend_has_a_key_of_its_own_and_names_its_users_where_it_can() -> None:
    users = [{"name": "ann"}, {"name": "ben"}]
    assert api_keys() == [{"name": "default"}]
    assert api_keys(
        hearth_api_keys=[{"name": "till"}], hearth_frontends={"anythingllm": None, "open_webui": {}}, hearth_users=users
    ) == [
        {"name": "till"},
        {"name": "anythingllm", "weight": 2, "names_users": False},
        {"name": "open_webui", "weight": 2, "names_users": True},
    ]
