# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a snapshot says of itself: counted when it was taken, and once more when it is brought back."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any, Dict

from ansible_collections.hearth.llm.plugins.module_utils._backup import harmless, stage
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Mapping, Sequence

NAME = "hearth-backup.json"

Counted = Dict[str, Dict[str, int]]
# So many findings are told; the others are counted.
_TOLD = 5


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


def words(found: Counted) -> str:
    """open_webui: 3 users, 40 chats; gateway: …"""
    return "; ".join(
        f"{name}: {', '.join(f'{number} {what}' for what, number in numbers.items())}"
        for name, numbers in found.items()
    )


def write(root: str, host: str, kept: Sequence[Mapping[str, Any]], made_ns: int) -> Counted:
    """Notes beside what was taken what it is, so that whoever brings it back needs no description. `made_ns`: what is changed later is not in it."""
    found = counted(root, kept)
    with open(os.path.join(root, NAME), "w", encoding="utf-8") as stream:
        json.dump(
            {"version": 1, "host": host, "made_ns": made_ns, "kept": list(kept), "counted": found},
            stream,
            indent=2,
            sort_keys=True,
        )
    return found


def read(root: str) -> dict[str, Any]:
    path = os.path.join(root, NAME)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise ValueError("it is no file")
        with open(path, encoding="utf-8") as stream:
            told = parse(stream.read())
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    for one in told["kept"]:
        _refuse_leading_out(root, str(one["place"]))
    return told


def parse(text: str) -> dict[str, Any]:
    """Whoever shares the repository may have written it: it has what is read of it, in its form, or is refused."""
    try:
        told = json.loads(text)
        return {
            "made_ns": int(told["made_ns"]),
            "kept": [
                {
                    "name": str(one["name"]),
                    "place": str(one["place"]),
                    "counts": {
                        str(what): (_within(inside), str(table)) for what, (inside, table) in one["counts"].items()
                    },
                }
                for one in told["kept"]
            ],
            "counted": {
                str(name): {str(what): int(number) for what, number in numbers.items()}
                for name, numbers in told["counted"].items()
            },
        }
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _unreadable(error) from error


def _within(inside: object) -> str:
    if not isinstance(inside, str) or os.path.isabs(inside) or ".." in inside.split("/"):
        raise ValueError(f"{inside!r} leads out of it")
    return inside


def _unreadable(error: Exception) -> HearthError:
    return HearthError(
        f"The snapshot has no {NAME} that can be read ({error}), so it is none of this collection's: name another one (backup_snapshot)."
    )


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
    _refuse_harm(root, told["kept"])
    found = counted(root, told["kept"])
    wrong = []
    for name, numbers in sorted(told["counted"].items()):
        for what, number in sorted(numbers.items()):
            now = found.get(name, {}).get(what)
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


def _refuse_harm(root: str, kept: Sequence[Mapping[str, Any]]) -> None:
    """Before anything of it is opened."""
    wrong = [
        f"of {one['name']}, {finding}"
        for one in kept
        for finding in harmless.findings(os.path.join(root, one["place"]))
    ]
    if wrong:
        more = f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
        raise HearthError(
            f"The snapshot has what no backup takes, so somebody else has written it, and nothing was replaced: {'; '.join(wrong[:_TOLD])}{more}. Name an "
            "earlier one (backup_snapshot), and look who has the repository's password."
        )
    for one in kept:
        harmless.neutralise(os.path.join(root, one["place"]))
