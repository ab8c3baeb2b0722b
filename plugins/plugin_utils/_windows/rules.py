# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that are opened in the firewalls of a Windows PC: Defender's, and Hyper-V's before its distributions. PRIVATE to the collection."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._certificates_plan import PRIVATE_NETWORKS
from ansible_collections.hearth.llm.plugins.plugin_utils._windows import network
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Facts, HyperVRule, Rule
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.steps import Plan, listed

# By which rules of ours are found again, whatever they are called.
GROUP = "hearth.llm"


@dataclass(frozen=True)
class Opening:
    port: int
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"hearth.llm {self.port}"


def judge_rules(planned: Plan, facts: Facts, openings: Sequence[Opening], mode: str) -> None:
    wanted = [_rule(opening, opening.sources) for opening in openings]
    there = {rule.name: rule for rule in facts.rules}
    missing = [rule for rule in wanted if not _is_same(there.get(rule.name), rule)]
    gone = sorted({*there} - {rule.name for rule in wanted})
    if missing or gone:
        planned.add(
            "defender",
            _rule_words("Windows Defender", missing, gone),
            rules=[_settings(rule) for rule in missing],
            gone=gone,
        )
    if not network.has_hyperv_firewall(facts):
        return
    # With NAT nobody but the PC itself comes to the distribution, and its address in that network is another after each start.
    wanted = [_rule(opening, opening.sources if mode == network.MIRRORED else ("Any",)) for opening in openings]
    wanted = [] if mode == network.DESKTOP else wanted
    others = {rule.name: rule for rule in facts.hyperv_rules}
    missing = [rule for rule in wanted if not _is_same(others.get(rule.name), rule)]
    gone = sorted({*others} - {rule.name for rule in wanted})
    if missing or gone:
        planned.add(
            "hyperv", _rule_words("Hyper-V", missing, gone), rules=[_settings(rule) for rule in missing], gone=gone
        )


def _rule(opening: Opening, sources: Sequence[str]) -> Rule:
    return Rule(opening.name, True, "Allow", "Inbound", "TCP", (str(opening.port),), tuple(sources), "Domain, Private")


def _is_same(found: HyperVRule | None, wanted: Rule) -> bool:
    if found is None:
        return False
    same = (found.enabled, found.action, found.direction, found.protocol, found.ports) == (
        wanted.enabled,
        wanted.action,
        wanted.direction,
        wanted.protocol,
        wanted.ports,
    )
    if isinstance(found, Rule):
        same = same and {part.strip() for part in found.profiles.split(",")} == {"Domain", "Private"}
    return same and _networks(found.sources) == _networks(wanted.sources)


def _networks(sources: Sequence[str]) -> frozenset[str]:
    """Windows writes 192.168.178.0/255.255.255.0 for 192.168.178.0/24, a single address without its length, and Any for everywhere."""
    found = set()
    for source in sources:
        try:
            found.add(str(ipaddress.ip_network(source, strict=False)))
        except ValueError:
            found.add(source.lower())
    everywhere = {"any", "0.0.0.0/0", "::/0"}
    return frozenset({"any"} if found & everywhere else found)


def _settings(rule: Rule) -> dict[str, Any]:
    sources = ["Any"] if _networks(rule.sources) == {"any"} else list(rule.sources)
    return {"name": rule.name, "port": int(rule.ports[0]), "sources": sources}


def _rule_words(whose: str, missing: Sequence[Rule], gone: Sequence[str]) -> str:
    opened = [f"port {rule.ports[0]} from {listed(_settings(rule)['sources'])}" for rule in missing]
    parts = [*([f"open {listed(opened)}"] if opened else []), *([f"remove {listed(gone)}"] if gone else [])]
    return f"In the firewall of {whose}, {' and '.join(parts)}."


def remove_rules(planned: Plan, facts: Facts) -> None:
    gone = sorted(rule.name for rule in facts.rules)
    if gone:
        planned.add("defender", _rule_words("Windows Defender", [], gone), rules=[], gone=gone)
    gone = sorted(rule.name for rule in facts.hyperv_rules)
    if gone:
        planned.add("hyperv", _rule_words("Hyper-V", [], gone), rules=[], gone=gone)


def openings_of(described: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> tuple[Opening, ...]:
    """Of ports as the firewall of a host takes them, those that are a number and TCP; a range or UDP is for the distribution alone."""
    return tuple(
        Opening(int(each["port"]), tuple(map(str, each.get("sources") or sources or PRIVATE_NETWORKS)))
        for each in described
        if str(each["port"]).isdigit() and each.get("protocol", "tcp") == "tcp"
    )
