# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a PC says of itself, what is missing or odd is a sentence with its place, and never an exception."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.windows_lan_plan import windows_lan_plan
from ansible_collections.hearth.llm.plugins.filter.windows_plan import windows_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Facts, read
from fakes.windows_machines import NAMES, facts

SCRIPT = (Path(__file__).parents[5] / "roles/windows_host/files/facts.ps1").read_text()
# A machine that has something of everything.
WHOLE = {**facts("windows_10_22h2_ready"), "hyperv_rules": facts("windows_11_24h2")["hyperv_rules"]}
Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield from places(item, (*path, step))


def said(path: Path_) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def with_(path: Path_, change: Any) -> dict[str, Any]:
    whole = copy.deepcopy(WHOLE)
    where: Any = whole
    for step in path[:-1]:
        where = where[step]
    change(where, path[-1])
    return whole


# Of lists the first of each is enough, and names that the PC chooses may be missing.
PLACES = [path for path in places(WHOLE) if not any(isinstance(step, int) and step > 0 for step in path)]
FIELDS = [
    path for path in PLACES if (isinstance(path[-1], str) and path[0] not in ("features", "policies")) or len(path) == 1
]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_machines_say_is_understood(name: str) -> None:
    _facts, findings = read(facts(name))
    assert [finding for finding in findings if not finding.startswith("The PC could not tell")] == []


@pytest.mark.parametrize("path", FIELDS, ids=said)
def test_what_is_missing_is_one_sentence_and_nothing_is_planned(path: Path_) -> None:
    document = with_(path, lambda where, step: where.pop(step))
    assert read(document)[1] == [f"What the PC says of itself has no '{said(path)}'."]
    planned = windows_plan(document, distribution="Ubuntu-24.04")
    assert (planned["verdict"], planned["steps"]) == ("refuse", [])


@pytest.mark.parametrize("path", PLACES, ids=said)
@pytest.mark.parametrize("odd", [3.5, {"a": 1}, [[]], "no", True], ids=["number", "dictionary", "list", "text", "yes"])
def test_what_is_odd_is_a_sentence_that_names_its_place(path: Path_, odd: Any) -> None:
    there: Any = WHOLE
    for step in path:
        there = there[step]
    found = read(with_(path, lambda where, step: where.__setitem__(step, copy.deepcopy(odd))))[1]
    if type(there) is not type(odd) and not (there is None or (path[-1] == "configuration" and isinstance(odd, str))):
        assert found
    assert all(said(path) in finding for finding in found)


@pytest.mark.parametrize("document", [None, "", [], 7, {}])
def test_no_facts_at_all_are_said_and_survived(document: Any) -> None:
    understood, findings = read(document)
    assert understood == Facts()
    assert findings


def test_a_part_that_the_pc_could_not_read_is_said_in_its_own_words_alone() -> None:
    document = {**WHOLE, "machine": None, "unread": [{"part": "machine", "why": "Zugriff verweigert"}]}
    assert read(document)[1] == ["The PC could not tell its machine: Zugriff verweigert"]


def test_the_script_says_what_is_read_and_nothing_else() -> None:
    """Names of parts and of what is in them, as they stand in the script."""
    written = set(re.findall(r"(?<![$\w])(\w+) = ", SCRIPT))
    known = {step for path in places(WHOLE) for step in path if isinstance(step, str)} - {
        *WHOLE["features"],
        *WHOLE["policies"],
    }
    assert known - written == set()
    assert set(re.findall(r"Read-Part '(\w+)'", SCRIPT)) | {"unread"} == set(WHOLE)


def test_an_address_that_is_none_is_nobodys_network() -> None:
    odd = facts("old_portproxy")
    odd["networks"][0]["addresses"] = ["", "here/24", "192.168.178.20/24"]
    planned = windows_lan_plan(odd, distribution="Ubuntu-24.04", ports=[{"port": 443}], has_password=True)
    assert planned["refusals"] == []


def test_addresses_that_are_nothing_but_blanks_are_none() -> None:
    """What `hostname -I` says before the network is up."""
    blank = facts("windows_11_24h2")
    blank["distributions"][0]["addresses"] = " "
    planned = windows_lan_plan(blank, distribution="Ubuntu-24.04", ports=[{"port": 443}], has_password=True)
    assert planned["refusals"] == []
