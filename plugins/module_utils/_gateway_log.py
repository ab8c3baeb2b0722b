# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway's own log says of requests, by the id that it has given each. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping

# The file of today, and those that were rotated before it.
_ROTATED = ("", ".1", ".2", ".3")


def requests(lines: Iterable[str], key_name: str, since: float = 0.0) -> dict[str, dict[str, Any]]:
    """Of requests with this key, by id: seconds in the queue and in all, and the server; null where the log does not know it.

    A stream that is given comments while it waits is asked for once more within the gateway. A second line, of the first one's id, says how long that has
    waited, and who has answered it.
    """
    found: dict[str, dict[str, Any]] = {}
    within: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        if '"ms_queued"' not in line:
            continue
        entry = _entry(line)
        if entry is None or float(entry.get("time") or 0.0) < since:
            continue
        if entry.get("of"):
            within[str(entry["of"])] = entry
        elif entry.get("key") == key_name and entry.get("id"):
            told = {"gateway": _seconds(entry.get("ms_total")), "status": entry.get("status")}
            found[str(entry["id"])] = {**told, **_waited(entry)}
    for name, entry in within.items():
        if name in found:
            found[name].update(_waited(entry))
    return found


def rotated(path: str) -> list[str]:
    """The log's files, the oldest first."""
    return [path + end for end in reversed(_ROTATED)]


def _entry(line: str) -> Mapping[str, Any] | None:
    """Docker, and whatever a log has passed through, may have put something before it."""
    try:
        entry = json.loads(line[line.index("{") :])
    except ValueError:
        # Cut by a rotation.
        return None
    return entry if isinstance(entry, dict) else None


def _waited(entry: Mapping[str, Any]) -> dict[str, Any]:
    server = str(entry.get("server") or "")
    return {"queue": _seconds(entry.get("ms_queued")), "server": None if not server or server[0] == "<" else server}


def _seconds(milliseconds: Any) -> float | None:
    """HAProxy writes -1 for what never came, and a plus before what still went on."""
    try:
        number = float(milliseconds)
    except (TypeError, ValueError):
        return None
    return None if number < 0 else number / 1000
