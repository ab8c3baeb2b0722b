# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus is told of backups, by the textfile collector of a node exporter."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._backup.settings import Settings

FILE = "hearth_backup.prom"


def write(settings: Settings, result: Mapping[str, Any]) -> None:
    """After a snapshot that was checked. One that failed leaves the file as it is: the time in it grows old."""
    if not settings.metrics_directory:
        return
    told = {
        "hearth_backup_last_success_timestamp_seconds": (
            "When the last snapshot was taken and checked.",
            round(time.time()),
        ),
        "hearth_backup_duration_seconds": ("How long it took.", result["seconds"]),
        "hearth_backup_added_bytes": ("What it has added to the repository.", result["bytes_added"]),
        "hearth_backup_snapshots": ("How many snapshots of this host there are.", result["snapshots"]),
    }
    lines = [f"# HELP {name} {words}\n# TYPE {name} gauge\n{name} {value}\n" for name, (words, value) in told.items()]
    path = os.path.join(settings.metrics_directory, FILE)
    # The collector reads what ends with .prom, at any moment.
    fresh = f"{path}.new"
    with open(fresh, "w", encoding="utf-8") as stream:
        stream.write("".join(lines))
    os.chmod(fresh, 0o644)
    os.replace(fresh, path)
