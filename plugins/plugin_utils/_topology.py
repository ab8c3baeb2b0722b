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
# Each stands for a Kubernetes cluster that serves by itself, and is reached from the controller.
CLUSTERS = "hearth_clusters"
# Distributions that their Windows PC does not have (yet, or any more): a run finds that out, and no inventory names it.
NOT_THERE = "hearth_not_there"
GROUPS = (GATEWAYS, ENGINES, FRONTENDS, WORKERS, WINDOWS, CLIENTS, CLUSTERS)
SUFFIXES = [group.removeprefix(PREFIX) for group in GROUPS]
SERVING = (GATEWAYS, ENGINES, FRONTENDS)
CONNECTED = (*SERVING, WORKERS)

# What playbooks call those whom they are for.
PURPOSES = {
    "gateways": (GATEWAYS,),
    "engines": (ENGINES,),
    "frontends": (FRONTENDS,),
    "servers": SERVING,
    # Those of them that are no door.
    "behind": CONNECTED,
    "connected": CONNECTED,
    # Those of them that have to reach each other.
    "apart": CONNECTED,
    "rpc_workers": (WORKERS,),
    # Those to whom workers lend, where there are any.
    "heads": (ENGINES,),
    "windows": (WINDOWS,),
    "clients": (CLIENTS,),
    "clusters": (CLUSTERS,),
}

Groups = Mapping[str, Collection[str]]


def hosts_for(groups: Groups, purpose: str) -> list[str]:
    """The hosts of a purpose, in the order of the inventory."""
    wanted = {host for group in PURPOSES[purpose] for host in _hosts(groups, group)}
    wanted -= set(groups.get(NOT_THERE, ()))
    if purpose == "behind":
        wanted -= _hosts(groups, GATEWAYS)
    if purpose == "heads" and not _hosts(groups, WORKERS):
        return []
    if purpose == "apart" and _each_serves_alone(groups, wanted):
        return []
    return [host for host in groups.get("all", ()) if host in wanted]


def findings(
    groups: Groups, host: str, *, nobody_serves: bool = True, is_private: bool = False, runtime: str = "docker"
) -> Iterator[str]:
    """What is wrong with the groups that a host stands in; `nobody_serves`, whether it is wrong that no host serves, `is_private`, whether the host has an
    address in a network that only hosts of the service share."""
    mine = sorted(group for group, hosts in groups.items() if host in hosts)
    for group in mine:
        near = nearest(group.removeprefix(PREFIX), SUFFIXES) if group.startswith(PREFIX) else ""
        if near and group not in GROUPS:
            yield f"{group}, a group of {host}, is no group that is known here: write {PREFIX}{near}, or rename it."
    mine_of_ours = [group for group in GROUPS if group in mine]
    for left_alone, why in (
        (CLIENTS, "a client is never changed but for its trust"),
        (WINDOWS, "Windows serves nothing"),
        (CLUSTERS, "a cluster serves by itself"),
    ):
        both = [group for group in (*SERVING, WORKERS) if group in mine]
        if left_alone in mine and both:
            yield f"{host} is in {left_alone} and in {' and '.join(both)}, and {why}: take it out of one of them."
    if nobody_serves and not hosts_for(groups, "servers") and not hosts_for(groups, "clusters"):
        yield (
            f"Every host of the inventory is a client, a Windows PC or an RPC worker, so that nobody serves: take {host} out of "
            f"{' and '.join(mine_of_ours)}, or name a host that serves."
        )
    if (
        WORKERS in mine
        and not is_private
        and not {CLIENTS, WINDOWS, CLUSTERS} & set(mine)
        and host in hosts_for(groups, "apart")
    ):
        yield (
            f"{host} lends memory over RPC, which has no passwords and no encryption, and has no address at which only hosts of the service reach each other: "
            "take hearth_private_network: none away, or write hearth_private_network: existing where there is such a network already."
        )
    if host in groups.get("all", ()) and (runtime == "kubernetes") != (CLUSTERS in mine):
        yield (
            f"{host} is in {CLUSTERS}, and hearth_runtime is {runtime}: write hearth_runtime: kubernetes, or take it out."
            if CLUSTERS in mine
            else f"{host} has hearth_runtime: kubernetes, and is not in {CLUSTERS}: put it there, for it stands for a cluster."
        )
    purposes = {group for group in SERVING if host in _hosts(groups, group)}
    if FRONTENDS in purposes and GATEWAYS not in purposes:
        yield (
            f"{host} is for frontends and no gateway, and a frontend and its gateway are on one host: name it in {GATEWAYS}, too, or leave it out of "
            f"{FRONTENDS} (a group that names no host means every host that is no client)."
        )
    elif not is_private and (ENGINES in purposes) != (GATEWAYS in purposes):
        what = "an engine and no gateway" if ENGINES in purposes else "a gateway and no engine"
        yield (
            f"{host} is {what}, and has no address at which only hosts of the service reach each other: take hearth_private_network: none "
            f"away, write its hearth_private_address where there is such a network already, or name the host in both {GATEWAYS} and {ENGINES} "
            "(a group that names no host means every host that is no client)."
        )
    elif ENGINES in purposes and runtime == "process" and host in hosts_for(groups, "apart"):
        yield (
            f"{host} is an engine for gateways on other hosts, too, and hearth_runtime is {runtime}, in which engines listen for their own host alone: "
            "write hearth_runtime: docker."
        )


def _hosts(groups: Groups, group: str) -> set[str]:
    """The hosts that are in a group, or stand for it where it names none. No client, no cluster and no Windows PC ever serves."""
    everyone = set(groups.get("all", ()))
    named = set(groups.get(group, ()))
    if group not in SERVING:
        return named
    left_alone = {host for other in (CLIENTS, WINDOWS, CLUSTERS) for host in groups.get(other, ())}
    if named:
        return named - left_alone
    return _hosts(groups, GATEWAYS) if group == FRONTENDS else everyone - left_alone - set(groups.get(WORKERS, ()))


def _each_serves_alone(groups: Groups, hosts: Collection[str]) -> bool:
    """Whether each has a gateway and an engine of its own: then they are several services, and not one on several hosts."""
    whole = _hosts(groups, GATEWAYS) & _hosts(groups, ENGINES)
    return len(hosts) < 2 or set(hosts) <= whole - set(groups.get(WORKERS, ()))
