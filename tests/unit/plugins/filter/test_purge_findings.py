# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.filter.purge_findings import purge_findings

OURS = [
    "models",
    "models/.fetch",
    "models/chat",
    "services/gateway",
    "services/gateway/generations",
    "venvs",
    "tmp",
    "open_webui",
    "deployed_with.json",
]


def findings(*names: str) -> list[str]:
    return purge_findings([f"/srv/hearth/{name}" for name in names], "/srv/hearth/")


@pytest.mark.parametrize("names", [OURS, [], ["tmp", "ansible"], ["models"], ["services"]])
def test_what_the_roles_have_made_may_go(names: list[str]) -> None:
    assert findings(*names) == []


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ([*OURS, "photos"], "photos there is not"),
        (["models", "models/llama.gguf"], "models (without .fetch)"),
        (["services", "services/postgres", "services/postgres/data"], "services (without generations)"),
        (["www", "mail", *OURS], "mail, www there are not"),
    ],
)
def test_what_is_of_others_is_named(names: list[str], named: str) -> None:
    (finding,) = findings(*names)
    assert named in finding
    assert "correct hearth_directory" in finding
