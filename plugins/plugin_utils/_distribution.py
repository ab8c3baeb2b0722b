# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is a distribution of WSL: which Windows it is in, and how it is reached through it. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.words import nearest
from ansible_collections.hearth.llm.plugins.plugin_utils._topology import WINDOWS, Groups

CONNECTION = "community.general.wsl"
# What says how the host is reached.
REACHED_BY = ("ansible_connection", "ansible_remote_tmp", "ansible_user", "wsl_distribution")
# What is read of the distribution itself; all else that begins with hearth_windows_ is read of its PC.
OF_THE_GUEST = ("hearth_windows_host", "hearth_windows_docker")
DOCKER = "engine"
ALL_GPUS = ("nvidia.com/gpu=all", "all")


def findings(
    host: str, groups: Groups, described: Mapping[str, Any], reached_by: Mapping[str, Any], computer: Mapping[str, Any]
) -> Iterator[str]:
    """`computer` has the variables of the host that hearth_windows_host names, as far as there is one."""
    computers = groups.get(WINDOWS, ())
    name = described.get("hearth_windows_host")
    through_windows = reached_by.get("ansible_connection") == CONNECTION
    if name is None:
        if through_windows:
            yield (
                f"{host} is reached by {CONNECTION}, and nothing says in which Windows it is: write hearth_windows_host, that computer's name in {WINDOWS}."
            )
        return
    if host in computers:
        yield f"{host} is in {WINDOWS}, and has a hearth_windows_host, which says in which Windows a distribution is: take it out of one of them."
    elif name not in computers:
        near = nearest(str(name), list(computers))
        yield f"hearth_windows_host of {host} is '{name}', which is no host of {WINDOWS}: {f'write {near}' if near else 'name it there'}, or correct it."
    else:
        if through_windows:
            yield from _way(host, str(name), reached_by, computer)
        yield from _places(host, str(name), described, computer)
    yield from _gpus(described)


def of_computer(host: str, guests: Sequence[str]) -> Iterator[str]:
    """What is wrong with who is on a PC: `guests` are the hosts that name it in hearth_windows_host."""
    if not guests:
        yield f"{host} is in {WINDOWS}, and no host names it in hearth_windows_host, so that nothing would serve there: write that, or take it out."
    elif len(guests) > 1:
        yield (
            f"{' and '.join(guests)} name {host} in hearth_windows_host, and a PC is prepared for one distribution, and opened for it: leave one of them "
            "there."
        )


def _places(host: str, name: str, described: Mapping[str, Any], computer: Mapping[str, Any]) -> Iterator[str]:
    """What was written where nobody reads it."""
    mine = [variable for variable in described if variable.startswith(f"{WINDOWS}_") and variable not in OF_THE_GUEST]
    for variable in sorted(mine):
        if computer.get(variable) != described[variable]:
            yield f"{variable} stands at {host}, and is read of its PC: write it at {name}."
    here, there = (where.get("hearth_windows_docker", DOCKER) for where in (described, computer))
    if here != there:
        yield f"hearth_windows_docker of {host} is '{here}', and of {name} it is '{there}': write the same at both."


def _way(host: str, name: str, reached_by: Mapping[str, Any], computer: Mapping[str, Any]) -> Iterator[str]:
    if not str(reached_by.get("ansible_remote_tmp") or "").startswith("/"):
        yield (
            f"ansible_remote_tmp of {host} has to be written out, such as /root/.ansible/tmp: Ansible would look in Linux for the home of"
            f" {reached_by.get('ansible_user') or 'the user'}, who is a user of Windows."
        )
    there, here = computer.get("hearth_windows_distribution"), reached_by.get("wsl_distribution")
    if there and here and there != here:
        yield f"wsl_distribution of {host} is '{here}', and the distribution of {name} is '{there}' (hearth_windows_distribution): write the same."


def _gpus(described: Mapping[str, Any]) -> Iterator[str]:
    models = described.get("hearth_models")
    lists = {"hearth_gpus": described.get("hearth_gpus")}
    if isinstance(models, Mapping):
        lists |= {
            f"hearth_models.{name}.gpus": model.get("gpus")
            for name, model in models.items()
            if isinstance(model, Mapping)
        }
    for path, gpus in lists.items():
        others = [gpu for gpu in gpus if gpu not in ALL_GPUS] if isinstance(gpus, list) else []
        if others:
            yield f"{path} names {others[0]}, and Windows gives a container all its cards or none: write [nvidia.com/gpu=all], or []."
    if described.get("hearth_windows_docker") == "desktop" and described.get("hearth_gpu_policy") != "none":
        yield (
            "hearth_windows_docker is 'desktop', and Docker Desktop gives our containers no GPU: write hearth_gpu_policy: none, or"
            " hearth_windows_docker: engine."
        )


def named(described: Mapping[str, Any], computers: Collection[str]) -> str:
    """The computer that hearth_windows_host names, empty where there is none."""
    name = described.get("hearth_windows_host")
    return name if isinstance(name, str) and name in computers else ""
