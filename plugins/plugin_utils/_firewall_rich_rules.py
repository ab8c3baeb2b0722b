# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Openings in the words of firewalld: a rich rule for each source of each port, or of a protocol that has none.

All have the same unusual priority, by which they are known as ours.

A rich rule knows no interface: what is open through one alone is open to its sources, whose packets the kernel takes from nowhere else (rp_filter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Behind what administrators refuse, which has a priority below zero or none.
PRIORITY = 2653


def firewall_rich_rules(openings: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f'rule priority="{PRIORITY}" family="{family}" source address="{source}" {_what(opening)} accept'
        for opening in openings
        for family, sources in opening["sources"].items()
        for source in sources
    ]


def _what(opening: Mapping[str, Any]) -> str:
    first, last = opening["first"], opening["last"]
    if not first:
        return f'protocol value="{opening["number"]}"'
    return f'port port="{first if first == last else f"{first}-{last}"}" protocol="{opening["protocol"]}"'
