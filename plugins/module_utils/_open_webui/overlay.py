# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that the server replaces as a whole, of which a user names some: what is named is laid over what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Mapping


def overlay(there: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """`there` with what is named, into any depth. None removes."""
    result = dict(there)
    for name, value in named.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = overlay(result[name], value)
        else:
            result[name] = value
    return result
