# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Openings in the words of ufw: a rule for each source of each port, or of a protocol that has none.

All have a comment by which they are known as ours, and the line that ufw will show.

What rules of others open already is left to them: ufw would only change the comment of their rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARK = "hearth.llm"


def firewall_ufw_rules(openings: Iterable[Mapping[str, Any]], foreign: Iterable[str] = ()) -> list[dict[str, str]]:
    opened = {_without_comment(rule) for rule in foreign}
    rules = [
        _rule(opening, source) for opening in openings for sources in opening["sources"].values() for source in sources
    ]
    return [rule for rule in rules if _without_comment(rule["line"]) not in opened]


def _without_comment(rule: str) -> str:
    return rule.partition(" comment ")[0]


def _rule(opening: Mapping[str, Any], source: str) -> dict[str, str]:
    first, last = opening["first"], opening["last"]
    # Of a protocol without ports all is open.
    port = "any" if not first else str(first) if first == last else f"{first}:{last}"
    comment = f"{MARK} {opening['comment']}".strip()
    return {
        "from_ip": source,
        "interface_in": opening["interface"],
        "to_port": port,
        "proto": opening["protocol"],
        "comment": comment,
        "line": f"allow {_shown(source, port, opening['protocol'], opening['interface'])} comment '{comment}'",
    }


def _shown(source: str, port: str, protocol: str, interface: str) -> str:
    """ufw leaves out the length of a single address, and networks that hold every address."""
    address, _slash, length = source.partition("/")
    through = f"in on {interface} " if interface else ""
    to = "" if port == "any" else f"to any port {port} "
    if length == "0":
        if not to:
            return f"{through or 'to any '}proto {protocol}"
        return f"{through}{to}proto {protocol}" if through else f"{port}/{protocol}"
    shown = address if length == ("128" if ":" in address else "32") else source
    return f"{through}from {shown} {to}proto {protocol}"
