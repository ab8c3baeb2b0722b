# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.diagnosis import diagnosis


def sign(layer: str, wrong: str = "", warning: str = "") -> dict[str, str]:
    return {"layer": layer, "subject": "", "wrong": wrong, "warning": warning}


def test_what_clients_see_is_told_first_and_where_to_begin_is_what_lies_deepest() -> None:
    outside: dict[str, Any] = {
        "door": {"signs": [sign("name"), sign("route", "refused"), sign("TLS", warning="ends soon")]}
    }
    inside: dict[str, Any] = {
        "door": {"signs": [sign("disk", "full"), sign("service", "gateway ended")]},
        "gpu1": {"unreachable": True, "msg": "No\nroute"},
        "gpu2": {"signs": [sign("clock")]},
    }
    found = diagnosis(outside, inside)
    assert not found["is_well"]
    assert (found["first"]["wrong"], found["cause"]["wrong"]) == ("refused", "gpu1 cannot be reached. No route")
    assert [line.split(":")[0] for line in found["lines"]] == [
        "CLIENTS SEE  door, route",
        "BEGIN WITH   gpu1, host",
        "ALSO         door, disk",
        "ALSO         door, service",
        "SOON         door, TLS",
    ]


def test_all_that_was_looked_at_is_counted_where_nothing_is_wrong() -> None:
    found = diagnosis({"door": {"signs": [sign("name"), sign("route")]}}, {"door": {"signs": [sign("clock")]}})
    assert found["lines"] == ["All is well: 3 things were looked at."]
    assert found["first"] is None
