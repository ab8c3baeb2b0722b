# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._accepted import accepted


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
    assert accepted(written) == meant
