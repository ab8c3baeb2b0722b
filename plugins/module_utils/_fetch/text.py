# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers for people, the same in messages of the module and in the progress that the controller shows."""

from __future__ import annotations


def human(size: int) -> str:
    """1234567890 -> 1.2 GB, as disks and networks are sold."""
    number, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{size} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
