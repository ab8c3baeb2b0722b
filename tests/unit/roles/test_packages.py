# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every family of systems that the role packages knows can do all that the role promises."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).parents[3] / "roles/packages"
FAMILIES: dict[str, dict[str, str]] = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__packages_families"]
ASKED_FOR = {"present", "absent", "hold", "repository_present", "repository_absent"}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_tasks_for_all_that_can_be_asked_and_words_for_an_administrator(family: str) -> None:
    known = FAMILIES[family]
    there = {path.stem for path in (ROLE / "tasks" / known["tasks"]).glob("*.yml")}
    assert there >= ASKED_FOR
    assert known["install"].endswith(" install")
    assert known["remove"].endswith(" remove")


def test_no_directory_of_tasks_is_without_a_family() -> None:
    directories = {path.name for path in (ROLE / "tasks").iterdir() if path.is_dir()}
    assert directories == {known["tasks"] for known in FAMILIES.values()}
