# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.filter.pick import pick

ITEMS = [{"name": "a", "model": "m", "note": "x"}, {"name": "b"}]


def test_what_is_not_there_is_left_out() -> None:
    assert pick(ITEMS, ["name", "model"]) == [{"name": "a", "model": "m"}, {"name": "b"}]


def test_keys_may_get_other_names() -> None:
    assert pick(ITEMS, {"workspace": "name", "src": "note"}) == [{"workspace": "a", "src": "x"}, {"workspace": "b"}]
