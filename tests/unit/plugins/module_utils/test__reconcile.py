# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The truth table: what is there, what is wanted, what is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import HIDDEN, Kind, Plan, reconcile


class Shelf(Kind):
    """Things in memory, and a record of what was done. `keeps`: what the server makes of values."""

    label = "thing"
    secret = frozenset({"password"})
    write_only = frozenset({"password"})

    def __init__(self, there: Mapping[str, dict[str, Any]], *, keeps: dict[str, Any] | None = None) -> None:
        self.there = {key: dict(state) for key, state in there.items()}
        self.keeps = keeps or {}
        self.done: list[tuple[str, str, dict[str, Any]]] = []

    def read(self) -> Mapping[str, dict[str, Any]]:
        return {key: dict(state) for key, state in self.there.items()}

    def create(self, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
        self.done.append(("create", key, wanted))
        return self._keep(key, {}, wanted)

    def update(self, key: str, before: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        self.done.append(("update", key, fields))
        return self._keep(key, before, fields)

    def delete(self, key: str, _before: dict[str, Any]) -> None:
        self.done.append(("delete", key, {}))
        del self.there[key]

    def _keep(self, key: str, before: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        visible = {name: value for name, value in fields.items() if name not in self.write_only}
        self.there[key] = {**before, **visible, **self.keeps}
        return self.there[key]


THERE = {"a": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("wanted", "done", "after"),
    [
        # What is as it should be is left alone, and so is what nobody names.
        ({"a": {"x": 1}}, [], THERE),
        ({"a": {}}, [], THERE),
        ({}, [], THERE),
        ({"a": {"x": None, "y": 2}}, [], THERE),
        # Only what differs is sent.
        ({"a": {"x": 5, "y": 2}}, [("update", "a", {"x": 5})], {"a": {"x": 5, "y": 2}}),
        ({"a": {"z": 0}}, [("update", "a", {"z": 0})], {"a": {"x": 1, "y": 2, "z": 0}}),
        ({"a": {"x": False}}, [("update", "a", {"x": False})], {"a": {"x": False, "y": 2}}),
        # What is not there is made, without what nobody names.
        ({"b": {"x": 1, "y": None}}, [("create", "b", {"x": 1})], {**THERE, "b": {"x": 1}}),
        # What should not be there goes, and is not missed where it is not.
        ({"a": None}, [("delete", "a", {})], {}),
        ({"b": None}, [], THERE),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_differs_is_done_and_nothing_else(
    wanted: dict[str, Any], done: list[Any], after: dict[str, Any], check_mode: bool
) -> None:
    shelf = Shelf(THERE)
    outcome = reconcile(shelf, wanted, check_mode=check_mode)

    assert shelf.done == ([] if check_mode else done)
    assert outcome.states == after
    assert outcome.changed is bool(done)
    assert reconcile(shelf, wanted, check_mode=True).changed is (bool(done) and check_mode)


def test_exclusive_removes_what_nobody_names_last_and_spares_what_is_kept() -> None:
    shelf = Shelf({"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}, "root": {}})
    outcome = reconcile(
        shelf, {"b": None, "new": {"x": 4}, "a": {"x": 9}}, check_mode=False, exclusive=True, keep={"root"}
    )

    assert [(verb, key) for verb, key, _fields in shelf.done] == [
        ("create", "new"),
        ("update", "a"),
        ("delete", "b"),
        ("delete", "c"),
    ]
    assert outcome.result() == {
        "changed": True,
        "created": ["new"],
        "updated": ["a"],
        "deleted": ["b", "c"],
        "diff": {
            "before": {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}},
            "after": {"new": {"x": 4}, "a": {"x": 9}},
        },
    }


def test_a_secret_is_sent_with_what_is_new_and_not_again_unless_that_is_asked_for() -> None:
    shelf = Shelf(THERE)
    wanted: dict[str, Any] = {"a": {"x": 1, "password": "hidden"}, "b": {"password": "hidden"}}
    outcome = reconcile(shelf, wanted, check_mode=False)
    assert shelf.done == [("create", "b", {"password": "hidden"})]
    assert outcome.result()["diff"]["after"] == {"b": {"password": f"{HIDDEN}, sent"}}

    shelf.resend = True
    again = reconcile(shelf, wanted, check_mode=True)
    assert again.keys("updated") == ["a", "b"]
    assert "hidden" not in str(again.result())


def test_a_secret_that_can_be_compared_shows_that_it_changed_and_not_what_it_is() -> None:
    shelf = Shelf({"a": {"password": "old"}})
    shelf.write_only = frozenset()
    result = reconcile(shelf, {"a": {"password": "new"}}, check_mode=False).result()

    assert result["diff"]["before"]["a"] != result["diff"]["after"]["a"]
    assert not {"old", "new"} & set(str(result).split("'"))
    with pytest.raises(ProtocolError, match="keeps another value instead of what was sent") as failed:
        reconcile(Shelf2({"a": {"password": "old"}}), {"a": {"password": "newer"}}, check_mode=False)
    assert "newer" not in str(failed.value)


class Shelf2(Shelf):
    """Forgets what it is told."""

    write_only = frozenset()

    def _keep(self, key: str, before: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        del fields
        return {**before, "key": key}


@pytest.mark.parametrize("there", [{}, {"a": {"x": 1}}])
def test_what_the_server_silently_makes_of_a_value_is_an_error(there: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="thing a: the server accepted x and keeps 10 instead of 11"):
        reconcile(Shelf(there, keeps={"x": 10}), {"a": {"x": 11}}, check_mode=False)


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_refused_is_refused_before_anything_is_done(check_mode: bool) -> None:
    class Strict(Shelf):
        def check(self, plan: Plan) -> None:
            if "a" not in plan.after:
                raise InputError("a has to stay")

    shelf = Strict(THERE)
    with pytest.raises(InputError, match="a has to stay"):
        reconcile(shelf, {"b": {"x": 1}, "a": None}, check_mode=check_mode)
    assert shelf.done == []
