# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's firewall is to be, from what was found on the host and what is described."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_lockouts import firewall_lockouts
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_openings import firewall_openings
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_rich_rules import firewall_rich_rules
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_ufw_rules import firewall_ufw_rules

Described = Mapping[str, Any]
_SSH_PORT = 22
_ON_THE_HOST = ("local", "ansible.builtin.local")
# Why no rule of ours would do any good in a distribution of WSL.
_LEFT_TO_WINDOWS = {
    "nat": (
        "This is WSL, whose network Windows translates: nobody comes here but by ports that Windows leads here, and whoever does has an address of Windows, so"
        " that no rule could tell the LAN from anybody else."
    ),
    "mirrored": (
        "This is WSL, and it has the addresses of Windows: what comes from elsewhere has passed Windows' Hyper-V firewall, which lets in what a rule names,"
        " and what the computer asks of itself comes by a device of its own (loopback0), which rules here would take for a stranger's."
    ),
}


def plan(found: Described, given: Described) -> dict[str, Any]:
    provider = found["provider"] if given["provider"] == "auto" else given["provider"]
    connection = found["connection"]
    # Only then does the next connection prove anything.
    came_by_ssh = bool(connection and connection["stages"] is not None and given["connection"] not in _ON_THE_HOST)
    # Those who must be able to come in again: we, or whoever is in while we are here by no connection.
    people = [connection] if connection else found["sessions"]
    ssh_ports = _ssh_ports(found, str(given["ssh_port"]), came_by_ssh)
    ssh = [{"port": port, "comment": "ssh", "sources": given["ssh_sources"]} for port in ssh_ports]
    wanted = [*ssh, *given["ports"]] if given["state"] == "present" else []
    openings = firewall_openings(wanted, given["lan_sources"])
    merged: dict[str, Sequence[Any]] = {
        "firewalld": firewall_rich_rules(openings),
        "ufw": firewall_ufw_rules(openings, found["foreign_rules"]),
    }
    # Of what we had opened there.
    unwanted = _unwanted(found["merged_rules"], merged.get(provider, []))
    listening = list(dict.fromkeys(listener["port"] for listener in found["ssh_listeners"]))
    return {
        # A sentence where there is nothing to do here.
        "left_to_windows": _LEFT_TO_WINDOWS.get(found["wsl"], ""),
        "provider": provider,
        "came_by_ssh": came_by_ssh,
        "ssh_ports": ssh_ports,
        "openings": openings,
        "merged": merged,
        "unwanted": unwanted,
        # Ports of tunnels that the host keeps up from inside, which are judged by nothing that comes in.
        "kept_up": [
            door for one in people for stage in one.get("stages") or [] if stage["outgoing"] for door in stage["doors"]
        ],
        # Somebody on the host itself has to try where we have no connection of our own to make anew, and there is a server to come in by.
        "needs_stranger": not came_by_ssh and not given["unproven"] and bool({*listening} & {*ssh_ports}),
        # Where somebody else guards the host itself, only what we take away there can be missed.
        "lockouts": firewall_lockouts(
            openings, people, given["known_tunnels"], None if provider == "nftables" else unwanted
        ),
        "unknown_protocols": sorted({one["protocol"] for one in openings} & {*found["unknown_protocols"]}),
        "ssh_elsewhere": [] if {*listening} & {*ssh_ports} else listening,
        "mistaken_uplinks": _mistaken(found["uplinks"], given["container_interfaces"]),
    }


def _ssh_ports(found: Described, wanted: str, came_by_ssh: bool) -> list[int]:
    """The port of the connection in use; without one, wherever an SSH server of the host can be reached."""
    if wanted != "auto":
        return [int(wanted)]
    used = [int(found["connection"]["server_port"])] if found["connection"] else []
    if came_by_ssh:
        return used
    return sorted({*(int(listener["port"]) for listener in found["ssh_listeners"]), *used}) or [_SSH_PORT]


def _unwanted(there: Sequence[str], rules: Sequence[Any]) -> list[str]:
    wanted = {rule["line"] if isinstance(rule, Mapping) else rule for rule in rules}
    return [rule for rule in there if rule not in wanted]


def _mistaken(uplinks: Sequence[str], interfaces: Sequence[str]) -> list[str]:
    """What leads to the network, and would be taken for a network of containers."""
    patterns = [re.compile(re.escape(name).replace(r"\*", ".*")) for name in interfaces]
    return [uplink for uplink in uplinks if any(pattern.fullmatch(uplink) for pattern in patterns)]
