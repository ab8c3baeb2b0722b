# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is newer than what is locked, in a table with ages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

_HEAD = ("what", "name", "locked", "age", "newest", "age")
_UNKNOWN = "-"


class Row(NamedTuple):
    """Moments are as ISO writes them, in UTC; empty where nobody says them."""

    what: str
    name: str
    locked: str
    locked_at: str
    newest: str
    newest_at: str


def table(rows: Iterable[Row], now: dt.datetime) -> list[str]:
    cells = [
        (
            row.what,
            row.name,
            row.locked or _UNKNOWN,
            _age(row.locked_at, now),
            row.newest or _UNKNOWN,
            _age(row.newest_at, now),
        )
        for row in sorted(set(rows))
    ]
    if not cells:
        return []
    widths = [max(len(line[column]) for line in (_HEAD, *cells)) for column in range(len(_HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (_HEAD, *cells)
    ]


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _age(moment: str, now: dt.datetime) -> str:
    try:
        made = dt.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return _UNKNOWN
    made = made if made.tzinfo else made.replace(tzinfo=dt.UTC)
    # Images that are built the same way each time say that they are from 1970 or 1980.
    if made.year < 2010:
        return _UNKNOWN
    days = max(0, (now - made).days)
    return f"{days} day{'' if days == 1 else 's'}"
