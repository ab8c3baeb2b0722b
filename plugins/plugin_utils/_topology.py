# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is for, which the inventory's groups say. Playbooks ask by purpose, and roles never do.

Each purpose has hosts when the inventory names no group at all: one host is then everything, as long as it is no client.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._description.words import nearest

PREFIX = "hearth_"
GATEWAYS = "hearth_gateways"
ENGINES = "hearth_engines"
# A variable is called hearth_frontends, and it says which frontends there are: one name is one thing.
FRONTENDS = "hearth_frontend_hosts"
WORKERS = "hearth_rpc_workers"
WINDOWS = "hearth_windows"
CLIENTS = "hearth_clients"
# Distributions that their Windows PC does not have (yet, or any more): a run finds that out, and no inventory names it.
NOT_THERE = "hearth_not_there"
GROUPS = (GATEWAYS, ENGINES, FRONTENDS, WORKERS, WINDOWS, CLIENTS)
SUFFIXES = [group.removeprefix(PREFIX) for group in GROUPS]
SERVING = (GATEWAYS, ENGINES, FRONTENDS)

# What playbooks call those whom they are for.
PURPOSES = {
    "gateways": (GATEWAYS,),
    "engines": (ENGINES,),
    "frontends": (FRONTENDS,),
    "servers": SERVING,
    "rpc_workers": (WORKERS,),
    # Whoever runs containers.
    "prepared": (*SERVING, WORKERS),
    "windows": (WINDOWS,),
    "clients": (CLIENTS,),
}

Groups = Mapping[str, Collection[str]]


def hosts_for(groups: Groups, purpose: str) -> list[str]:
    """The hosts of a purpose, in the order of the inventory."""
    wanted = {host for group in PURPOSES[purpose] for host in _hosts(groups, group)}
    wanted -= set(groups.get(NOT_THERE, ()))
    return [host for host in groups.get("all", ()) if host in wanted]


def findings(groups: Groups, host: str, *, nobody_serves: bool = True) -> Iterator[str]:
    """What is wrong with the groups that a host stands in; `nobody_serves`, whether it is wrong that no host serves."""
    mine = sorted(group for group, hosts in groups.items() if host in hosts)
    for group in mine:
        near = nearest(group.removeprefix(PREFIX), SUFFIXES) if group.startswith(PREFIX) else ""
        if near and group not in GROUPS:
            yield f"{group}, a group of {host}, is no group that is known here: write {PREFIX}{near}, or rename it."
    mine_of_ours = [group for group in GROUPS if group in mine]
    for left_alone, why in (
        (CLIENTS, "a client is never changed but for its trust"),
        (WINDOWS, "Windows serves nothing"),
    ):
        both = [group for group in (*SERVING, WORKERS) if group in mine]
        if left_alone in mine and both:
            yield f"{host} is in {left_alone} and in {' and '.join(both)}, and {why}: take it out of one of them."
    if nobody_serves and not hosts_for(groups, "servers"):
        yield (
            f"Every host of the inventory is a client, a Windows PC or an RPC worker, so that nobody serves: take {host} out of "
            f"{' and '.join(mine_of_ours)}, or name a host that serves."
        )
    purposes = {group for group in SERVING if host in _hosts(groups, group)}
    if ENGINES in purposes and GATEWAYS not in purposes:
        yield _apart(host, "an engine and no gateway", GATEWAYS, ENGINES)
    elif GATEWAYS in purposes and ENGINES not in purposes:
        yield _apart(host, "a gateway and no engine", ENGINES, GATEWAYS)
    elif purposes == {FRONTENDS}:
        yield _apart(host, "for frontends and no gateway", GATEWAYS, FRONTENDS)


def _hosts(groups: Groups, group: str) -> set[str]:
    """The hosts that are in a group, or stand for it where it names none. No client and no Windows PC ever serves."""
    everyone = set(groups.get("all", ()))
    named = set(groups.get(group, ()))
    if group not in SERVING:
        return named
    left_alone = {host for other in (CLIENTS, WINDOWS) for host in groups.get(other, ())}
    if named:
        return named - left_alone
    return _hosts(groups, GATEWAYS) if group == FRONTENDS else everyone - left_alone - set(groups.get(WORKERS, ()))


def _apart(host: str, what: str, missing: str, there: str) -> str:
    return (
        f"{host} is {what}, and a gateway reaches only what runs on its own host: name it in {missing}, too, or leave it out of {there} "
        "(a group that names no host means every host that is no client)."
    )
