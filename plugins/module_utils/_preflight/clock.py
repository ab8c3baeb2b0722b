# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the clock is right: a certificate made now must not lie in the host's future. PRIVATE to the collection."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import error, notice, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import Finding
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Wanted

# The kernel's own bound: from here on it takes the clock for unsynchronised (16 seconds, in microseconds).
LARGEST_ERROR = 16000000


def check_clock(_host: Host, wanted: Wanted) -> Iterator[Finding]:
    if wanted.controller_time is None:
        return
    # The way from the controller to here makes this seem a little ahead; the tolerance covers it.
    skew = round(time.time() - wanted.controller_time, 1)
    tolerance = wanted.clock_skew_seconds
    data = {"skew_seconds": skew, "tolerance_seconds": tolerance}
    if abs(skew) > tolerance:
        direction = "ahead of" if skew > 0 else "behind"
        yield error(
            "clock",
            f"The clock is {abs(skew):.0f} seconds {direction} the controller's: set it right, best by NTP"
            " (timedatectl set-ntp true), or certificates will not be accepted.",
            **data,
        )
    else:
        yield ok("clock", f"The clock agrees with the controller's within {tolerance} seconds.", **data)


def check_ntp(host: Host, _wanted: Wanted) -> Iterator[Finding]:
    synchronised = clock_is_synchronised()
    if synchronised:
        yield ok("ntp", "The clock is kept right by NTP.", synchronised=True)
    elif host.container or host.is_wsl:
        yield ok("ntp", "The clock is kept by the machine around this one.", synchronised=synchronised)
    elif synchronised is None:
        yield notice("ntp", "The kernel does not tell whether NTP keeps the clock right.", synchronised=None)
    else:
        yield warning(
            "ntp",
            "Nothing keeps the clock right: install systemd-timesyncd or chrony and let it reach a time server.",
            synchronised=False,
        )


class Timex(ctypes.Structure):
    """The head of the kernel's struct timex, and room for its tail."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("tail", ctypes.c_byte * 256),
    )


def clock_is_synchronised() -> bool | None:
    """What timedatectl calls NTPSynchronized, asked from the kernel: no D-Bus, no rights needed."""
    timex = Timex()
    try:
        if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return bool(timex.maxerror < LARGEST_ERROR)


CHECKS = (check_clock, check_ntp)
