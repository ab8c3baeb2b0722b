# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several rooms need lies on the ground floor: nobody reaches through one module's room for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[4] / "plugins"
IMPORT = re.compile(
    r"^\s*from ansible_collections\.hearth\.llm\.plugins\.module_utils(?:\.| import )(\w+)", re.MULTILINE
)
# A room, and the modules whose room it is.
ROOMS = {"_preflight": {"preflight_info"}}


def imports(path: Path) -> set[str]:
    return set(IMPORT.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("room", ROOMS)
def test_only_its_own_module_takes_from_a_room(room: str) -> None:
    users = {path for path in PLUGINS.rglob("*.py") if room in imports(path) and room not in path.parts}
    assert {path.stem for path in users} == ROOMS[room]


@pytest.mark.parametrize("floor", ["_completion", "_host", "_staged_http", "_sizes", "_unix_http", "_http", "_errors"])
def test_the_ground_floor_stands_on_nothing_but_itself(floor: str) -> None:
    place = PLUGINS / "module_utils" / floor
    used = {
        name
        for path in (place.glob("*.py") if place.is_dir() else [place.with_suffix(".py")])
        for name in imports(path)
    }
    rooms = {name for name in used if (PLUGINS / "module_utils" / name).is_dir()} - {floor}
    assert not rooms
