# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates of a description, as YAML gives them or as text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any


def end_of(value: Any) -> int:
    """The second, counted from 1970, in which a day (in UTC) or a moment is over."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == len("2027-01-31") else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if isinstance(value, date):
        return int(datetime.combine(value + timedelta(days=1), time(), UTC).timestamp())
    raise ValueError(f"{value!r} is no date")
