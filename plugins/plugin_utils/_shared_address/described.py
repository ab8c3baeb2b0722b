# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the address that gateways share, as the inventory describes it and them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description import VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology

ADDRESS = "hearth_shared_address"
# What has to be the same of all gateways, for clients do not know which of them answers.
_ALIKE = (ADDRESS, "hearth_port", "hearth_domain")
# Where a host's own address stands.
_OWN = ("ansible_host", "hearth_private_address")


def findings(
    groups: Mapping[str, Collection[str]], host: str, given: Mapping[str, Any], said: Callable[[str, str], Any]
) -> Iterator[str]:
    """`given` is described of the host; `said` tells a variable of another one, and nothing where it has none."""
    gateways = _topology.hosts_for(groups, "gateways")
    address = given.get(ADDRESS)
    if address is None or host not in gateways:
        return
    others = [other for other in gateways if other != host]
    if not others:
        yield (
            f"{ADDRESS} is {address}, and {host} is the only gateway: take it away, or name another host in {_topology.GATEWAYS}."
        )
    for variable in _ALIKE:
        mine = _value(variable, given.get(variable))
        differing = {other: value for other in others if (value := _value(variable, said(other, variable))) != mine}
        if differing:
            theirs = " and ".join(f"{value} of {other}" for other, value in differing.items())
            yield (
                f"{variable} is {mine} of {host} and {theirs}, and gateways that share an address have the same: "
                f"write it once, in the variables of the group {_topology.GATEWAYS} or all."
            )
    bare = str(address).partition("/")[0]
    has_it = [
        other
        for other in groups.get("all", ())
        if bare == other or any(bare == str(said(other, variable)) for variable in _OWN)
    ]
    if has_it:
        yield f"{ADDRESS} is {address}, which is {listed(has_it)}'s own address: write one that no host has."


def _value(variable: str, value: Any) -> str:
    shown = VARIABLES[variable].value if value is None else value
    return "not described" if shown is None else str(shown)
