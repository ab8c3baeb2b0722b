# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._certificates import names_outside

PERMITTED = ["example.com", "192.168.0.0/16", "10.0.0.7", "2001:db8::/32"]


@pytest.mark.parametrize(
    "name", ["example.com", "LLM.Example.com", "a.b.example.com", "192.168.3.4", "10.0.0.7", "2001:db8:0::1"]
)
def test_what_lies_below_a_domain_or_in_a_network_is_covered(name: str) -> None:
    assert names_outside([name], PERMITTED) == []


@pytest.mark.parametrize("name", ["badexample.com", "com", "192.169.0.1", "10.0.0.8", "2001:db9::1", "localhost"])
def test_everything_else_is_not(name: str) -> None:
    assert names_outside([name], PERMITTED) == [name]
