# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drive on which a distribution shall lie, and whether the one that is there may go there. PRIVATE to the collection."""

from __future__ import annotations

from pathlib import PureWindowsPath

from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Distribution, Drive, Facts
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.steps import Plan, listed
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.wishes import Wishes

_GB = 1000**3
# Where hearth_windows_disk_size is left out, a virtual disk may grow to this (MicrosoftDocs/WSL, disk-space.md).
_USUAL_CAP = 1024**4


def judge_disk(planned: Plan, facts: Facts, there: Distribution | None, wishes: Wishes) -> None:
    name = facts.machine.name
    letter = wishes.disk[0].upper()
    drive = next((found for found in facts.drives if found.letter.upper() == letter), None)
    if drive is None:
        others = listed([f"{found.letter}:" for found in facts.drives]) or "none"
        planned.refusals.append(
            f"hearth_windows_disk is '{wishes.disk}', and {name} has no drive {letter}: (there is {others}): correct it, or give the drive that letter."
        )
        return
    if drive.kind != 3 or drive.file_system not in ("NTFS", "ReFS"):
        what = "is no fixed drive" if drive.kind != 3 else f"has the file system {drive.file_system or 'of nobody'}"
        planned.refusals.append(
            f"hearth_windows_disk is '{wishes.disk}', and drive {letter}: {what}: a distribution needs NTFS on a drive that stays. Name another one."
        )
        return
    if there is not None and is_elsewhere(there, wishes):
        if wishes.move != wishes.distribution:
            planned.refusals.append(
                f"{there.name} lies at {there.directory}, and hearth_windows_disk is '{wishes.disk}': write hearth_windows_move: {there.name} to have it moved "
                "(it stops meanwhile), or take hearth_windows_disk away."
            )
        elif drive.free_bytes < 2 * there.disk_bytes + _GB:
            planned.refusals.append(
                f"{there.name} has {as_decimal_size(there.disk_bytes)}, and to move it, with a copy that is compared first, drive {letter}: needs "
                "twice as much; "
                f"{as_decimal_size(drive.free_bytes)} are free: make room, or name another drive."
            )
    _note_drive(planned, there, wishes, drive)


def _note_drive(planned: Plan, there: Distribution | None, wishes: Wishes, drive: Drive) -> None:
    cap = wishes.disk_size_bytes or _USUAL_CAP
    if there is None and cap > drive.size_bytes:
        planned.notes.append(
            f"The virtual disk may grow to {as_decimal_size(cap)}, and drive {drive.letter}: has {as_decimal_size(drive.size_bytes)}: when that is "
            "full, everything "
            "in the distribution stops. hearth_windows_disk_size sets another cap."
        )
    if there is None and drive.free_bytes < 200 * _GB:
        planned.notes.append(
            f"Drive {drive.letter}: has {as_decimal_size(drive.free_bytes)} free; models want 200 GB and more."
        )
    if drive.media == "HDD":
        planned.notes.append(f"Drive {drive.letter}: is no SSD, and every start of a model reads all of it.")


def is_elsewhere(there: Distribution, wishes: Wishes) -> bool:
    if not wishes.disk:
        return False
    return not PureWindowsPath(there.directory).is_relative_to(PureWindowsPath(wishes.disk))
