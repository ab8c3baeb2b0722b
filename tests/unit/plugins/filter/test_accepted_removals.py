# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.filter.accepted_removals import accepted_removals


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([], []),
        (["models", "api_keys"], ["models", "api_keys"]),
        ("models", ["models"]),
        ("models, api_keys", ["models", "api_keys"]),
    ],
)
def test_a_list_and_a_text_of_the_command_line_mean_the_same(written: str | list[str], meant: list[str]) -> None:
    assert accepted_removals(written) == meant
