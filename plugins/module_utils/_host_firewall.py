# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall that a host has already, and which of its rules are ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Callable

    # AnsibleModule.run_command: status, output, errors.
    RunCommand = Callable[..., "tuple[int, str, str]"]

# By these our rules are known: _firewall_ufw_rules and _firewall_rich_rules of plugin_utils write them.
UFW_MARK = "comment 'hearth.llm"
RICH_RULE_MARK = 'priority="2653"'

# Says what it would do, with an address that nobody has.
_TRY_UFW = ("ufw", "--dry-run", "allow", "from", "192.0.2.1", "to", "any", "proto", "vrrp")

_PLAIN: dict[str, Any] = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
_MISSING = 127


class HostFirewall:
    def __init__(self, run_command: RunCommand) -> None:
        self._run_command = run_command

    def provider(self) -> str:
        """The one that is active: a program that is merely installed decides nothing."""
        if self._succeeds("firewall-cmd", "--state"):
            return "firewalld"
        if "status: active" in self._output("ufw", "status").lower():
            return "ufw"
        return "nftables"

    def rules(self, provider: str) -> tuple[list[str], list[str]]:
        """Our rules, and those of others that one of ours could be taken for."""
        if provider == "ufw":
            lines = self._output("ufw", "show", "added").splitlines()
            rules = [line.partition(" ")[2] for line in lines if line.startswith("ufw ")]
            return [rule for rule in rules if UFW_MARK in rule], [rule for rule in rules if UFW_MARK not in rule]
        if provider == "firewalld":
            running = self._output("firewall-cmd", "--list-rich-rules").splitlines()
            kept = self._output("firewall-cmd", "--permanent", "--list-rich-rules").splitlines()
            return sorted({line.strip() for line in running + kept if RICH_RULE_MARK in line}), []
        return [], []

    def unknown_protocols(self, provider: str) -> list[str]:
        """Protocols without ports that an older one does not know."""
        if provider != "ufw" or self._succeeds(*_TRY_UFW):
            return []
        return ["vrrp"]

    def _succeeds(self, *command: str) -> bool:
        return bool(self._run(*command)[0] == 0)

    def _output(self, *command: str) -> str:
        status, output, errors = self._run(*command)
        if status not in (0, _MISSING):
            words = (errors or output).strip()
            raise HearthError(
                f"'{' '.join(command)}' ended with {status}: {words}. Repair the host's own firewall first."
            )
        return output

    def _run(self, *command: str) -> tuple[int, str, str]:
        try:
            # Its words are read, so they must not be translated.
            return self._run_command(list(command), environ_update=_PLAIN, handle_exceptions=False)
        except OSError:
            return _MISSING, "", "not installed"


def asker(run_command: RunCommand) -> Callable[..., str]:
    """What a program writes; nothing where it is not there or fails, which is an answer, too."""

    def ask(*command: str) -> str:
        try:
            status, output, _errors = run_command(list(command), environ_update=_PLAIN, handle_exceptions=False)
        except OSError:
            return ""
        return str(output) if status == 0 else ""

    return ask


def uplinks(proc: str = "/proc/net") -> list[str]:
    """The interfaces of default routes."""
    found = set()
    with open(os.path.join(proc, "route"), encoding="ascii") as routes:
        for fields in (line.split() for line in routes):
            if fields[1] == "00000000" and fields[7] == "00000000":
                found.add(fields[0])
    try:
        with open(os.path.join(proc, "ipv6_route"), encoding="ascii") as routes:
            for fields in (line.split() for line in routes):
                if fields[0] == "0" * 32 and fields[1] == "00":
                    found.add(fields[9])
    except FileNotFoundError:
        # A kernel without IPv6.
        pass
    return sorted(found - {"lo"})
