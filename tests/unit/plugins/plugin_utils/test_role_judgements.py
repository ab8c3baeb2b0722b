# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role would refuse, as it is judged before any role begins."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.hearth.llm.plugins.plugin_utils._role_judgements import Judges

LATER = {"later": {"source": "hf://o/r/a.gguf", "load": "first_request"}}


def findings(role: str, variables: dict[str, Any], **described: Any) -> list[str]:
    loader = DataLoader()
    return list(
        Judges(loader, Templar(loader), {"inventory_hostname": "llm", **variables}).findings(role, described, set())
    )


@pytest.mark.parametrize(
    ("described", "refused"),
    [
        ({"hearth_models": LATER}, True),
        ({"hearth_models": LATER, "hearth_runtime": "process"}, False),
        ({"hearth_models": {"here": {"source": "hf://o/r/a.gguf"}}}, False),
    ],
)
def test_a_directory_that_a_container_fetches_into_belongs_to_nobody_else(described: Any, refused: bool) -> None:
    said = findings("fetcher", {"models_owner": "ai"}, **described)
    assert ["models_owner or models_group is ai" in one for one in said] == [True] * refused
    assert findings("fetcher", {}, **described) == []
