# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to lend: its memory as far as its container may have it, and how fast it is reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# As Docker writes it, in powers of 1024.
_LIMIT = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:ib?|b)?", re.IGNORECASE)
_POWERS = "bkmgt"


def memory_bytes(of_host: int, limit: str) -> int:
    """llama.cpp's worker tells the memory of the whole host, whatever its container may have."""
    found = _LIMIT.fullmatch(str(limit).strip())
    if not found:
        raise InputError(
            f"memory_limit is {limit!r}: write a number with m or g, such as 20g, or 0 for all that the host has."
        )
    allowed = int(float(found.group(1)) * 1024 ** _POWERS.index(found.group(2).lower() or "b"))
    return min(of_host, allowed) if allowed else of_host


def link_mbits(host: Host) -> int:
    """Tunnels and bridges have no speed of their own: that of the cards below them counts."""
    speeds = [
        host.word(f"/sys/class/net/{name}/speed")
        for name in host.names("/sys/class/net")
        if host.exists(f"/sys/class/net/{name}/device")
    ]
    return min((int(speed) for speed in speeds if speed.isdigit() and int(speed)), default=0)
