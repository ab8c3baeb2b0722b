# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Change, Plan


def plan(*going: str, staying: tuple[str, ...] = ()) -> Plan:
    before: dict[str, dict[str, str]] = {key: {} for key in (*going, *staying)}
    return Plan([Change(key, {}, None) for key in going], before, {key: {} for key in staying})


def test_who_names_what_should_be_absent_has_said_so() -> None:
    Unlisted({"a", "b"}, 50).refuse("users", plan("a", "b"), "users")
    Unlisted((), 100).refuse("users", plan("a", "b"), "users")
    Unlisted((), 50).refuse("users", plan("a", staying=("b", "c")), "users")


def test_an_administrator_who_always_stays_does_not_count() -> None:
    with pytest.raises(InputError, match=r"This would remove all users: a.*hearth_accept_removals: users"):
        Unlisted((), 50).refuse("users", plan("a", staying=("admin",)), "users", besides={"admin"})
