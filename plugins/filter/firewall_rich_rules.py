# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Openings in the words of firewalld."""

from __future__ import annotations

DOCUMENTATION = r"""
name: firewall_rich_rules
short_description: Openings as rich rules of firewalld
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - One rich rule for each source of each port. All have the same unusual priority, by which they are known as ours.
options:
  _input:
    description: The openings, as P(hearth.llm.firewall_openings#filter) gives them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Open the ports
  ansible.posix.firewalld:
    rich_rule: "{{ item }}"
    state: enabled
    permanent: true
    immediate: true
  loop: "{{ [{'port': 443}] | hearth.llm.firewall_openings(['192.168.0.0/16']) | hearth.llm.firewall_rich_rules }}"
"""

RETURN = r"""
_value:
  description: Rich rules.
  type: list
  elements: str
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Behind what administrators refuse, which has a priority below zero or none.
PRIORITY = 2653


def firewall_rich_rules(openings: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f'rule priority="{PRIORITY}" family="{family}" source address="{source}" '
        f'port port="{_range(opening)}" protocol="{opening["protocol"]}" accept'
        for opening in openings
        for family, sources in opening["sources"].items()
        for source in sources
    ]


def _range(opening: Mapping[str, Any]) -> str:
    first, last = opening["first"], opening["last"]
    return str(first) if first == last else f"{first}-{last}"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"firewall_rich_rules": firewall_rich_rules}
