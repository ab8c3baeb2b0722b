# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model over the GPUs of several hosts: which part of it a host has, where the parts meet, and what they have to be let in for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

Model = Mapping[str, Any]
# Each model has two ports on its first host, one where the parts wait for each other and one of torch.distributed. They follow from its name alone, for the
# hosts have to agree on them, and none knows what else the others serve.
MODELS = 1000


def parts(models: Sequence[Model], host: str) -> tuple[list[Model], list[Model]]:
    """The models that a host serves, and those of which it has a part that another host serves."""
    served = [model for model in models if rank(model, host) == 0]
    return served, [model for model in models if rank(model, host) > 0]


def rank(model: Model, host: str) -> int:
    """Which of its hosts this is; 0 where it has but one."""
    nodes = list(model.get("nodes") or ())
    if not nodes:
        return 0
    if host not in nodes:
        raise AnsibleFilterError(
            f"{model['name']} is split over {', '.join(nodes)}, and this host is {host or 'none of them'}: name it in nodes, as it is called in the inventory, "
            "or do not hand the model to the role."
        )
    return nodes.index(host)


def over(model: Model, host: str, places: Mapping[str, Mapping[str, str]], first_port: int) -> dict[str, Any] | None:
    """What the engine has to know of that, or nothing where the model has one host. `places` has the address and the interface of each host."""
    nodes = list(model.get("nodes") or ())
    if not nodes:
        return None
    return {
        "rank": rank(model, host),
        "count": len(nodes),
        "address": places.get(host, {}).get("address", ""),
        "interface": places.get(host, {}).get("interface", ""),
        "first": places.get(nodes[0], {}).get("address", ""),
        "port": _port(model, first_port),
    }


def openings(
    models: Sequence[Model], host: str, places: Mapping[str, Mapping[str, str]], first_port: int, ephemeral: str
) -> list[dict[str, Any]]:
    """What the firewall of a host lets in: of each model's other hosts, through the interface over which they meet.

    vLLM binds its queues, gloo and NCCL at ports that the kernel has free, and none of them can be told which. So these are all that the kernel gives away.
    """
    found = []
    for model in models:
        others = [name for name in model.get("nodes") or () if name != host]
        known = [places[name]["address"] for name in others if places.get(name, {}).get("address")]
        if not known:
            continue
        port = _port(model, first_port)
        found += [
            {
                "port": text,
                "protocol": "tcp",
                "sources": [f"{address}/32" for address in known],
                "interface": places.get(host, {}).get("interface", ""),
                "comment": f"{model['name']} over several hosts"[:80],
            }
            for text in ([f"{port}-{port + 1}"] if rank(model, host) == 0 else []) + [ephemeral]
        ]
    return found


def findings(models: Sequence[Model], host: str, places: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What keeps the parts from meeting."""
    taken: dict[int, str] = {}
    for model in models:
        nodes = list(model.get("nodes") or ())
        if not nodes:
            continue
        name = str(model["name"])
        nowhere = [node for node in nodes if not places.get(node, {}).get("address")]
        if nowhere:
            yield (
                f"hearth_models.{name}.nodes names {', '.join(nowhere)}, and nobody knows at which address the others reach it: have hearth_private_network "
                "connect the hosts, or write vllm_node_address of that host."
            )
        elif not places.get(host, {}).get("interface"):
            yield (
                f"vllm_node_interface of {host} is empty, and {name} is split over {', '.join(nodes)}: write which interface has {places[host]['address']}, "
                "vllm_node_address."
            )
        other = taken.setdefault(_port(model, 0), name)
        if other != name:
            yield f"hearth_models: {other} and {name} are both split over several hosts, and would meet at one port: give one of them another name."


def differences(models: Sequence[Model], offers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What hosts have otherwise than the first one, of those that were asked: layers of one model would be put together with those of another."""
    for model in models:
        name, nodes = str(model["name"]), [node for node in model.get("nodes") or () if node in offers]
        for node in nodes[1:]:
            first, other = offers[nodes[0]], offers[node]
            if not {*first["image"]} & {*other["image"]}:
                yield (
                    f"{name}: vllm_image on {node} is not what it is on {nodes[0]} ({_listed(other['image'])} and {_listed(first['image'])}): name it by its "
                    "digest (…@sha256:…), for all hosts."
                )
            if first["fingerprints"].get(name, "") != other["fingerprints"].get(name, ""):
                yield f"{name}: the model's files on {node} are not those on {nodes[0]}: run fetch_models.yml for both, or give both the same path."
            gpus = [str(one["settings"].get(name, {}).get("tensor-parallel-size", "")) for one in (first, other)]
            if gpus[0] != gpus[1]:
                yield (
                    f"{name} is split over {nodes[0]} with {gpus[0] or 'no'} GPUs and {node} with {gpus[1] or 'no'}, and each host has to give it as many: "
                    "say which in gpus of the model, in the variables of each host."
                )


def _listed(digests: Sequence[str]) -> str:
    return ", ".join(digests) or "none"


def _port(model: Model, first: int) -> int:
    return first + 2 * (zlib.crc32(str(model["name"]).encode()) % MODELS)
