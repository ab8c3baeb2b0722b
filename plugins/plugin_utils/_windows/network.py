# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the LAN comes to a distribution: by mirrored networking, by NAT, or by Docker Desktop. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.hearth.llm.plugins.plugin_utils._windows import wslconfig
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Facts

MIRRORED, NAT, DESKTOP = "mirrored", "nat", "desktop"
# Mirrored networking and the firewall of Hyper-V came with Windows 11 22H2 (MicrosoftDocs/WSL, networking.md). Windows Server 2025 has a newer build
# and not the network: it ends in error 0x803b0015 (microsoft/WSL issue 12569).
_FIRST_BUILD = 22621
# NetworkingMode in microsoft/WSL, src/windows/common/WslCoreConfig.h, which is also what the policy's number means.
_BY_POLICY = {1: NAT, 3: MIRRORED}


@dataclass(frozen=True)
class Way:
    mode: str
    # Whether .wslconfig may say it: where a policy forbids that, WSL would take no notice and warn.
    is_ours_to_say: bool = True
    refusal: str = ""
    note: str = ""


def has_hyperv_firewall(facts: Facts) -> bool:
    return facts.windows.build >= _FIRST_BUILD and not facts.windows.is_server


def way(facts: Facts, wished: str, docker: str) -> Way:
    """`wished` is auto, mirrored or nat."""
    name = facts.machine.name
    if docker == "desktop":
        return Way(DESKTOP, is_ours_to_say=False)
    if facts.policies.get("AllowNetworkingModeUserSetting") == 0:
        forced = _BY_POLICY.get(facts.policies.get("DefaultNetworkingMode", 1), "")
        if forced and wished in ("auto", forced):
            return Way(
                forced,
                is_ours_to_say=False,
                note=f"A policy on {name} sets the network of WSL to {forced}; it is left alone.",
            )
        return Way(
            forced or NAT,
            is_ours_to_say=False,
            refusal=(
                f"A policy on {name} (Software\\Policies\\WSL, AllowNetworkingModeUserSetting) forbids to choose the network of WSL, which is "
                f"{forced or 'none that others can reach'}: have whoever manages the PC change it"
                + (f", or write hearth_windows_network: {forced}." if forced else ".")
            ),
        )
    if not has_hyperv_firewall(facts):
        system = _system(facts)
        if wished == MIRRORED:
            return Way(
                NAT,
                refusal=(
                    f"hearth_windows_network is 'mirrored', which {system} has not (Windows 11 22H2 is the first): write nat, or take it away."
                ),
            )
        return Way(
            NAT,
            note=(
                f"{system} has no mirrored networking, so {name} leads the LAN to the distribution (netsh portproxy), "
                "and the gateway sees one address for all."
            ),
        )
    if wished == "auto":
        written = wslconfig.value_of(facts.wslconfig.text, "wsl2", "networkingMode").lower()
        return Way(written if written in (MIRRORED, NAT) else MIRRORED)
    return Way(wished)


def _system(facts: Facts) -> str:
    windows = facts.windows
    kind = "Windows Server" if windows.is_server else f"Windows {11 if windows.build >= 22000 else 10}"
    return f"{kind}{f' {windows.release}' if windows.release else ''} (build {windows.build})"
