# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own network: hosts keep their names and addresses, and find the controller at its gateway."""

from __future__ import annotations

import os
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

from lab.shell import LabError, run

NAME = "hearth-lab"
DEFAULT_SUBNET = "172.30.213.0/24"
SUBNET_VARIABLE = "HEARTH_LAB_SUBNET"
# Unique local addresses: nobody else has these.
SUBNET_6 = IPv6Network("fd68:6561:7274:68::/64")


def ensure() -> IPv4Network:
    """Make the network unless it is there, and return what it spans. The caller holds the lock on hosts."""
    if found := find():
        return found
    subnet = IPv4Network(os.environ.get(SUBNET_VARIABLE, DEFAULT_SUBNET))
    try:
        run(
            *("docker", "network", "create", f"--subnet={subnet}", f"--gateway={gateway(subnet)}"),
            *((f"--subnet={SUBNET_6}", "--ipv6") if speaks_ipv6() else ()),
            NAME,
        )
    except LabError as error:
        raise LabError(f"{error}\nset {SUBNET_VARIABLE} to a subnet that is free here") from error
    return subnet


def find() -> IPv4Network | None:
    """What the network spans, if it is there."""
    try:
        return IPv4Network(run("docker", "network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", NAME).strip())
    except LabError:
        return None


def gateway(subnet: IPv4Network) -> str:
    """The controller's address, as hosts see it."""
    return str(next(subnet.hosts()))


def speaks_ipv6() -> bool:
    """Whether this machine's kernel knows IPv6 at all."""
    return Path("/proc/net/if_inet6").exists()


def address_6(address: str) -> str:
    """The IPv6 address of the host that has this IPv4 address: they end alike."""
    return str(SUBNET_6[int(IPv4Address(address)) & 0xFFFF])


def free_address(subnet: IPv4Network, taken: Collection[str]) -> str:
    """The lowest address that no host has; the first few are left to whatever else may live there."""
    return next(address for address in map(str, list(subnet.hosts())[9:]) if address not in taken)
