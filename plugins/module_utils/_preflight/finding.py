# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that was looked at, how grave it is, and what to do about it. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# From harmless to grave: the worst one of a host is its verdict.
SEVERITIES = ("ok", "notice", "warning", "error")


@dataclass(frozen=True)
class Finding:
    id: str
    severity: str
    message: str
    data: dict[str, Any] = field(default_factory=dict)


def ok(id_: str, message: str, **data: Any) -> Finding:
    return Finding(id_, "ok", message, data)


def notice(id_: str, message: str, **data: Any) -> Finding:
    return Finding(id_, "notice", message, data)


def warning(id_: str, message: str, **data: Any) -> Finding:
    return Finding(id_, "warning", message, data)


def error(id_: str, message: str, **data: Any) -> Finding:
    return Finding(id_, "error", message, data)


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    severities = [finding.severity for finding in findings]
    return {severity: severities.count(severity) for severity in SEVERITIES}


def verdict(findings: Iterable[Finding]) -> str:
    return max((finding.severity for finding in findings), key=SEVERITIES.index, default="ok")


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """The order in which a reader wants them; equals stay as they were found."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))


def as_text(title: str, findings: Iterable[Finding]) -> str:
    """A table for people: what needs an answer stands on top."""
    rows = gravest_first(findings)
    numbers = reversed(list(counts(rows).items()))
    summary = ", ".join(f"{number} {_plural(severity, number)}" for severity, number in numbers if number)
    width = max((len(row.id) for row in rows), default=0)
    lines = [f"{row.severity:<8} {row.id:<{width}}  {row.message}" for row in rows]
    return "\n".join([f"{title}: {summary}", *lines])


def _plural(severity: str, number: int) -> str:
    return severity if number == 1 or severity == "ok" else f"{severity}s"
