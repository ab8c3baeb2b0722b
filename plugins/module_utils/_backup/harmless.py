# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back is put in place as root, and whoever shares the repository may have written it: it must lead nowhere, and run as nobody else."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Iterator

# By it a program has rights of root without being root's.
_CAPABILITY = "security.capability"
_RUNS_AS_ANOTHER = stat.S_ISUID | stat.S_ISGID
_KINDS = (
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def findings(root: str) -> list[str]:
    """What of all below `root`, which nobody else writes to, may not be put in place, a sentence's end each."""
    status = os.lstat(root) if os.path.lexists(root) else None
    if status is None or not stat.S_ISDIR(status.st_mode):
        return [f"{os.path.basename(root)} is no directory"]
    found = []
    # Device and number of a file that has several names → how many it has, and where they are.
    names: dict[tuple[int, int], tuple[int, list[str]]] = {}
    for inside, below in _walk(root):
        if stat.S_ISLNK(below.st_mode):
            target = os.readlink(os.path.join(root, inside))
            if leads_out(root, inside, target):
                found.append(f"{inside} is a link to {target}, which leads out of it")
        elif stat.S_ISREG(below.st_mode):
            if below.st_nlink > 1:
                names.setdefault((below.st_dev, below.st_ino), (below.st_nlink, []))[1].append(inside)
        else:
            found += [f"{inside} is {kind}" for is_one, kind in _KINDS if is_one(below.st_mode)]
    for links, places in names.values():
        if links > len(places):
            found.append(f"{places[0]} is the same file as one outside of it")
    return found


def neutralise(root: str) -> None:
    """Data is no program: what is brought runs with nobody's rights but those of who starts it."""
    for inside, below in _walk(root):
        if not stat.S_ISREG(below.st_mode):
            continue
        path = os.path.join(root, inside)
        if below.st_mode & _RUNS_AS_ANOTHER:
            os.chmod(path, stat.S_IMODE(below.st_mode) & ~_RUNS_AS_ANOTHER)
        # Not everywhere there are such attributes.
        if hasattr(os, "listxattr") and _CAPABILITY in os.listxattr(path):
            os.removexattr(path, _CAPABILITY)


def leads_out(root: str, inside: str, target: str) -> bool:
    """Whether a link, whose path below `root` is `inside`, leads out of `root`, wherever that lies: by its words, or by other links on its way."""
    if os.path.isabs(target):
        return True
    depth = inside.count(os.sep)
    for step in target.split(os.sep):
        depth += {"": 0, ".": 0, "..": -1}.get(step, 1)
        if depth < 0:
            return True
    whole = os.path.realpath(root)
    end = os.path.realpath(os.path.join(root, os.path.dirname(inside), target))
    return end != whole and not end.startswith(whole + os.sep)


def _walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    for directory, folders, names in os.walk(root):
        for name in sorted([*folders, *names]):
            path = os.path.join(directory, name)
            yield os.path.relpath(path, root), os.lstat(path)
