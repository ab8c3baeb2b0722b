# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has its name has its bytes, too, after a power cut.

A file system may keep a rename and lose what was written just before it: then the name leads to an empty file. So bytes go to the disk
first, and the name afterwards (rename(2), fsync(2)).
"""

from __future__ import annotations

import os


def settle(path: str) -> None:
    """Waits until what the file, or the list of names in the directory, says is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle_tree(path: str) -> None:
    """The same for all that is below the directory."""
    for where, _directories, names in os.walk(path, topdown=False):
        for name in names:
            settle(os.path.join(where, name))
        settle(where)


def replace(draft: str, path: str) -> None:
    """Gives a finished file its name. Whoever reads sees the old one or the new one, whole."""
    settle(draft)
    os.replace(draft, path)
    settle(os.path.dirname(path) or ".")
