# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a snapshot says of itself: counted when it was taken, and once more when it is brought back."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any, Dict

from ansible_collections.hearth.llm.plugins.module_utils._backup import stage
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Mapping, Sequence

NAME = "hearth-backup.json"

Counted = Dict[str, Dict[str, int]]


def counted(root: str, kept: Sequence[Mapping[str, Any]]) -> Counted:
    """Of each what is counted in its databases, and its files and their bytes."""
    found = {}
    for one in kept:
        place = os.path.join(root, one["place"])
        found[str(one["name"])] = {**stage.count(place, one["counts"]), **_files(place)}
    return found


def _files(root: str) -> dict[str, int]:
    sizes = [
        status.st_size
        for directory, _folders, names in os.walk(root)
        for status in (os.lstat(os.path.join(directory, name)) for name in names)
        if stat.S_ISREG(status.st_mode)
    ]
    return {"files": len(sizes), "bytes": sum(sizes)}


def write(root: str, host: str, kept: Sequence[Mapping[str, Any]], made: str) -> Counted:
    """Notes beside what was taken what it is, so that whoever brings it back needs no description."""
    found = counted(root, kept)
    with open(os.path.join(root, NAME), "w", encoding="utf-8") as stream:
        json.dump(
            {"version": 1, "host": host, "made": made, "kept": list(kept), "counted": found},
            stream,
            indent=2,
            sort_keys=True,
        )
    return found


def read(root: str) -> dict[str, Any]:
    path = os.path.join(root, NAME)
    try:
        with open(path, encoding="utf-8") as stream:
            told: dict[str, Any] = json.load(stream)
    except (OSError, ValueError) as error:
        raise HearthError(
            f"The snapshot has no {NAME} that can be read ({error}), so it is none of this collection's: name another one."
        ) from error
    for one in told["kept"]:
        _refuse_leading_out(root, str(one["place"]))
    return told


def _refuse_leading_out(root: str, place: str) -> None:
    """Who shares the repository may write a snapshot, too, and what it names is renamed as root."""
    steps = place.split("/")
    within = [os.path.join(root, *steps[: end + 1]) for end in range(len(steps))]
    if not set(steps).isdisjoint({"", ".", ".."}) or any(os.path.islink(path) for path in within):
        raise HearthError(
            f"The snapshot names the place {place!r}, which leads out of it, and nothing was replaced: name an earlier one (backup_snapshot)."
        )


def verify(root: str) -> Counted:
    """What was brought back, where it is what was taken. Otherwise an error with all that differs."""
    told = read(root)
    found = counted(root, told["kept"])
    wrong = []
    for name, numbers in sorted(told["counted"].items()):
        for what, number in sorted(numbers.items()):
            now = found[name].get(what)
            if now != number:
                wrong.append(f"{name} has {now} {what} in the place of {number}")
    for one in told["kept"]:
        place = os.path.join(root, one["place"])
        for inside in stage.databases(place):
            said = stage.wrong_with_database(os.path.join(place, inside))
            if said:
                wrong.append(f"{one['name']}: the database {inside} is damaged ({said})")
    if wrong:
        raise HearthError(
            f"The snapshot is not what was taken, and nothing was replaced: {'; '.join(wrong)}. Name an earlier one (backup_snapshot)."
        )
    return found
