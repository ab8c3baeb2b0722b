# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes for people: powers of 1024 for memory, and of 1000 for disks and networks, as each is sold. PRIVATE to the collection."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d{1,18})(?:\.(\d{1,3}))?\s?(?:([KMGT])(iB|B)?|B)?")


def size_bytes(value: object) -> int:
    """40G -> 40000000000, 40GiB -> 42949672960. ValueError where it is no size."""
    found = _SIZE.fullmatch(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    if not found:
        raise ValueError(f"{value!r} is no size")
    unit = "_KMGT".index(found[3]) if found[3] else 0
    factor = 1024 if found[4] == "iB" else 1000
    size = int(float(f"{found[1]}.{found[2]}") * factor**unit) if found[2] else int(found[1]) * factor**unit
    if size < 1:
        raise ValueError(f"{value!r} is no size")
    return size


def as_size(number: float) -> str:
    """Bytes as people read them: 1.5 GiB."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def as_decimal_size(size: int) -> str:
    """1234567890 -> 1.2 GB, as disks and networks are sold."""
    number, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{size} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
