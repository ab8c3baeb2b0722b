# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What options of engines say, whatever form they are written in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Mapping

# vLLM takes 4k and 4K, which are not the same.
_WHOLE = re.compile(r"(-?\d+(?:\.\d+)?)([kKmMgG]?)\Z")
_UNITS = {"": 1, "k": 10**3, "K": 1 << 10, "m": 10**6, "M": 1 << 20, "g": 10**9, "G": 1 << 30}
NO = ("off", "false", "0", "no", "disabled")


def number(name: str, options: Mapping[str, Any], flag: str, default: int) -> int:
    found = _WHOLE.match(str(options.get(flag, default)))
    if not found:
        raise InputError(f"{name}: the option {flag} is {options[flag]!r}, and should be a whole number.")
    return int(float(found.group(1)) * _UNITS[found.group(2)])


def size(value: Any) -> int:
    """0 where the engine chooses itself."""
    found = _WHOLE.match(str(value))
    return max(0, int(float(found.group(1)) * _UNITS[found.group(2)])) if found else 0


def scale(name: str, options: Mapping[str, Any], flag: str) -> float:
    try:
        said = float(options[flag])
    except (TypeError, ValueError):
        said = 0.0
    if said <= 0:
        raise InputError(f"{name}: the option {flag} is {options[flag]!r}, and should be a number above 0.")
    return said


def share(name: str, options: Mapping[str, Any], flag: str, default: float) -> float:
    try:
        said = float(options.get(flag, default))
    except (TypeError, ValueError):
        said = 0.0
    if not 0 < said <= 1:
        raise InputError(f"{name}: the option {flag} is {options[flag]!r}, and should be a share above 0 and up to 1.")
    return said


def switch(options: Mapping[str, Any], flag: str, *, default: bool) -> bool:
    if f"no-{flag}" in options:
        return str(options[f"no-{flag}"]).lower() in NO
    return str(options.get(flag, default)).lower() not in NO
