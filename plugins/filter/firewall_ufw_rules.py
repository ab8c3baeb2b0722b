# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Openings in the words of ufw."""

from __future__ import annotations

DOCUMENTATION = r"""
name: firewall_ufw_rules
short_description: Openings as rules of ufw
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - One rule for each source of each port, as M(community.general.ufw) wants it. All have a comment by which they are known as ours.
positional: foreign
options:
  _input:
    description: The openings, as P(hearth.llm.firewall_openings#filter) gives them.
    type: list
    elements: dict
    required: true
  foreign:
    description: >-
      Rules of others, RV(hearth.llm.firewall_info#module:foreign_rules). What they open already is left to them: ufw would only change the
      comment of their rule.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Open the ports
  community.general.ufw: "{{ item }}"
  loop: "{{ [{'port': 443}] | hearth.llm.firewall_openings(['192.168.0.0/16']) | hearth.llm.firewall_ufw_rules }}"
"""

RETURN = r"""
_value:
  description: >-
    Dictionaries with C(from_ip), C(to_port), C(proto) and C(comment), and with C(line), which is how C(ufw show added) will show the rule.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
    port = str(first) if first == last else f"{first}:{last}"
    comment = f"{MARK} {opening['comment']}".strip()
    return {
        "from_ip": source,
        "to_port": port,
        "proto": opening["protocol"],
        "comment": comment,
        "line": f"allow {_shown(source, port, opening['protocol'])} comment '{comment}'",
    }


def _shown(source: str, port: str, protocol: str) -> str:
    """ufw leaves out the length of a single address, and networks that hold every address."""
    address, _slash, length = source.partition("/")
    if length == "0":
        return f"{port}/{protocol}"
    shown = address if length == ("128" if ":" in address else "32") else source
    return f"from {shown} to any port {port} proto {protocol}"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"firewall_ufw_rules": firewall_ufw_rules}
