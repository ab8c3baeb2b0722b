# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw folder on the controller, after it was written: what others know of its requests is put into its rows. PRIVATE to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._load.records import REQUESTS, RUN


def begun(raw: Path) -> float:
    """When the measurement began, seconds since 1970."""
    try:
        told = json.loads((raw / RUN).read_text("utf-8"))
        return datetime.fromisoformat(str(told["begun"]).replace("Z", "+00:00")).timestamp()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HearthError(
            f"{raw} is no folder of a measurement ({RUN}: {error}): name the directory that load_test has written."
        ) from error


def joined(raw: Path, known: Mapping[str, Mapping[str, Any]], *, write: bool) -> tuple[int, int, bool]:
    """How many rows are known, how many are not though they have an id, and whether that changes them."""
    path = raw / REQUESTS
    before = path.read_text("utf-8")
    counts = {True: 0, False: 0}
    lines = []
    for line in before.splitlines():
        row = _row(line)
        if row is None or not row.get("id"):
            lines.append(line)
            continue
        of_it = known.get(str(row["id"]))
        if of_it is None:
            # Another gateway may have said it.
            counts[row.get("gateway") is not None] += 1
            lines.append(line)
            continue
        counts[True] += 1
        lines.append(json.dumps({**row, **{name: of_it.get(name) for name in ("queue", "gateway", "server")}}))
    after = "".join(f"{line}\n" for line in lines)
    changed = _rows(after) != _rows(before)
    if changed and write:
        aside = path.with_name(path.name + ".new")
        aside.write_text(after, "utf-8")
        aside.replace(path)
    return counts[True], counts[False], changed


def _rows(text: str) -> list[Any]:
    return list(filter(None, map(_row, text.splitlines())))


def _row(line: str) -> dict[str, Any] | None:
    """The last line of a run that was killed may be half a one."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
