# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of each host of the private network: also of those that a run leaves out, which stay everybody's peers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._description import VARIABLES

Variables = Mapping[str, Any]


def hosts(names: Iterable[str], everybody: Mapping[str, Variables], default_mode: str) -> list[dict[str, Any]]:
    return [_host(name, everybody[name], default_mode) for name in names]


def _host(name: str, variables: Variables, default_mode: str) -> dict[str, Any]:
    port = int(variables.get("hearth_private_network_port", VARIABLES["hearth_private_network_port"].value))
    given = variables.get("hearth_private_endpoint", variables.get("ansible_host", name))
    try:
        endpoint, endpoint_port = split(str(given))
    except ValueError:
        raise AnsibleFilterError(
            f"hearth_private_endpoint of {name} is {given!r}: write an address, or an address with a port such as 192.0.2.10:51820."
        ) from None
    return {
        "name": name,
        "mode": str(variables.get("hearth_private_network", default_mode)),
        "endpoint": endpoint,
        # Another one where somebody before the host passes its packets on.
        "endpoint_port": endpoint_port or port,
        "port": port,
        "address": str(variables.get("hearth_private_address", "")),
    }


def split(endpoint: str) -> tuple[str, int]:
    """An address or a name, and the port behind it, or 0."""
    if endpoint.startswith("["):
        address, _bracket, rest = endpoint[1:].partition("]")
        return address, int(rest.lstrip(":") or 0)
    if endpoint.count(":") == 1:
        address, _colon, port = endpoint.partition(":")
        return address, int(port)
    return endpoint, 0
