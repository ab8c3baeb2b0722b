# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be used of a description that may be anything. What cannot is left away here, because check_description has its own sentence for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def records(described: Any) -> dict[str, Mapping[str, Any]]:
    """The names that have a dictionary."""
    if not isinstance(described, Mapping):
        return {}
    return {str(name): record for name, record in described.items() if isinstance(record, Mapping)}


def named(described: Any) -> list[Mapping[str, Any]]:
    """The dictionaries of a list that have a name."""
    if not isinstance(described, (list, tuple)):
        return []
    return [record for record in described if isinstance(record, Mapping) and "name" in record]
