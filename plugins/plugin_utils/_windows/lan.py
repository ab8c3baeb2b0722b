# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How others of the LAN, and the PC itself, reach the distribution: firewalls, a proxy where the network is NAT, the PC's own name. PRIVATE to the "
"collection."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._windows import network
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import (
    Action,
    Facts,
    Listener,
    Proxy,
    read,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.rules import GROUP, Opening, judge_rules, remove_rules
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.steps import Plan, Scheduled, listed

# The order in which a plan has them; the role's main.yml has a file of tasks for each, in the same order.
KINDS = ("defender", "hyperv", "proxy", "proxy_task", "no_proxy_task", "hosts")

# Only administrators write there: the task that runs what lies there has all rights.
DIRECTORY = "C:\\Program Files\\hearth.llm"
_POWERSHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
# The PC's name leads to itself, for from the PC its own address of the LAN may not lead into the distribution (microsoft/WSL issue 41284).
_ITSELF = "127.0.0.1"
_ANYWHERE = "0.0.0.0"
# Where NAT gives the distribution its address.
_OF_NAT = ipaddress.ip_network("172.16.0.0/12")
# How Windows calls what it has for virtual machines.
_VIRTUAL = "vEthernet"
# What answers on a port on behalf of a distribution: WSL's own programs, those of Docker Desktop, and the service that keeps proxies.
_OF_WSL = ("wslrelay", "wslhost")
_OF_DESKTOP = ("com.docker.backend", "vpnkit")
_PROXY_SERVICE = "svchost"


@dataclass(frozen=True)
class Wishes:
    distribution: str
    names: tuple[str, ...] = ()
    openings: tuple[Opening, ...] = ()
    network: str = "auto"
    docker: str = "engine"
    has_password: bool = False
    state: str = "present"


def plan(document: object, wishes: Wishes) -> dict[str, Any]:
    facts, findings = read(document)
    way = network.way(facts, wishes.network, wishes.docker)
    planned = Plan(refusals=findings)
    if not findings and wishes.state == "absent":
        _absent(planned, facts, wishes)
    elif not findings:
        planned.refusals += [*([way.refusal] if way.refusal else []), *_of_network(facts), *_of_ports(facts, wishes)]
        planned.refusals += _of_fallback(facts, wishes, way.mode)
        judge_rules(planned, facts, wishes.openings, way.mode)
        _lead(planned, facts, wishes, way.mode)
        _name(planned, facts, wishes)
    ports = (
        [opening.port for opening in wishes.openings] if way.mode == network.NAT and wishes.state == "present" else []
    )
    return planned.told(network=way.mode, directory=DIRECTORY, group=GROUP, proxy=_proxy_settings(facts, wishes, ports))


def proxy_task(wishes: Wishes) -> Scheduled:
    """The address of NAT is another after each start of WSL, and who writes proxies has to be an administrator."""
    script = f"{DIRECTORY}\\portproxy.ps1"
    arguments = (
        f'-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{script}" -Path "{DIRECTORY}\\portproxy.json"'
    )
    return Scheduled(
        f"Lead the LAN to {wishes.distribution}", Action(_POWERSHELL, arguments), wishes.has_password, "Highest"
    )


def _of_network(facts: Facts) -> Iterator[str]:
    """Rules are for private networks: a PC that calls its network public has been told to answer nobody there."""
    real = [found for found in facts.networks if not found.name.startswith(_VIRTUAL)]
    if real and all(found.category == "Public" for found in real):
        yield (
            f"{facts.machine.name} calls its network '{real[0].name}' public, where it answers nobody: if it is the shop's own, run there, as an "
            "administrator, "
            f'Set-NetConnectionProfile -InterfaceAlias "{real[0].name}" -NetworkCategory Private.'
        )


def _of_fallback(facts: Facts, wishes: Wishes, mode: str) -> Iterator[str]:
    """Where mirrored networking fails, WSL goes on with another one, and only wsl.exe says so, in its own words (microsoft/WSL issue 13793)."""
    there = facts.distribution(wishes.distribution)
    addresses = there.addresses.split() if there is not None and there.is_running else []
    if mode != network.MIRRORED or there is None or not addresses:
        return
    own = {address.partition("/")[0] for found in facts.networks for address in found.addresses}
    if own and not own & set(addresses):
        yield (
            f"The network of {there.name} should be mirrored, and it has an address of its own, {addresses[0]}: WSL has fallen back. Start it "
            f"once on {facts.machine.name} by hand ('wsl --shutdown', then 'wsl'), which says why, or write hearth_windows_network: nat."
        )


def _of_ports(facts: Facts, wishes: Wishes) -> Iterator[str]:
    name = facts.machine.name
    for opening in wishes.openings:
        for taken in facts.listeners:
            if taken.port == opening.port and _is_strange(taken, facts, wishes.docker):
                yield (
                    f"Port {opening.port} of {name} is taken by {taken.program or 'another program'}"
                    f"{' (a service of Windows, such as IIS)' if taken.program == 'System' else ''}: stop it, or write another hearth_port."
                )
                break
        for proxy in facts.proxies:
            if proxy.listen_port == opening.port and not _is_to_wsl(proxy, facts):
                yield (
                    f"{name} leads port {opening.port} to {proxy.connect_address}:{proxy.connect_port} (netsh portproxy): run there, as an administrator, "
                    f"'netsh interface portproxy delete {proxy.kind} listenport={proxy.listen_port} listenaddress={proxy.listen_address}', "
                    "or write another hearth_port."
                )


def _is_strange(listener: Listener, facts: Facts, docker: str) -> bool:
    ours = (*_OF_WSL, *(_OF_DESKTOP if docker == "desktop" else ()))
    if listener.address.startswith("127.") or listener.address == "::1" or listener.program.lower() in ours:
        return False
    if listener.program.lower() == _PROXY_SERVICE:
        return not any(proxy.listen_port == listener.port for proxy in facts.proxies)
    return True


def _is_to_wsl(proxy: Proxy, facts: Facts) -> bool:
    """Whether a proxy is like those that we make, so that it may be led elsewhere. One that listens on one address alone is somebody's own."""
    if (proxy.kind, proxy.listen_address) != ("v4tov4", _ANYWHERE):
        return False
    try:
        target = ipaddress.ip_address(proxy.connect_address)
    except ValueError:
        return proxy.connect_address == "localhost"
    return target in _OF_NAT and not any(target in near for near in _networks_of_people(facts))


def _networks_of_people(facts: Facts) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Those of the PC, which may have addresses like those that WSL gives."""
    for found in facts.networks:
        for address in found.addresses if not found.name.startswith(_VIRTUAL) else ():
            with contextlib.suppress(ValueError):
                yield ipaddress.ip_interface(address).network


def _lead(planned: Plan, facts: Facts, wishes: Wishes, mode: str) -> None:
    ports = [opening.port for opening in wishes.openings]
    stale = [proxy for proxy in facts.proxies if proxy.listen_port in ports and _is_to_wsl(proxy, facts)]
    task = proxy_task(wishes)
    if mode != network.NAT:
        _stop_leading(planned, facts, task, stale)
        return
    there = facts.distribution(wishes.distribution)
    address = _ipv4(there.addresses) if there else ""
    right = {Proxy("v4tov4", _ANYWHERE, port, address, port) for port in ports}
    if not address or set(stale) != right:
        where = f"at {address}" if address else "wherever it is"
        planned.add(
            "proxy",
            f"Lead {_of_ports_words(ports)} of {facts.machine.name} to {wishes.distribution}, {where}.",
            **_proxy_settings(facts, wishes, ports),
        )
    if not task.is_there(facts):
        planned.add(
            "proxy_task", task.words(facts), proxy=_proxy_settings(facts, wishes, ports), **task.settings(facts)
        )


def _stop_leading(planned: Plan, facts: Facts, task: Scheduled, stale: Sequence[Proxy]) -> None:
    if stale:
        ports = sorted({proxy.listen_port for proxy in stale})
        to = listed(sorted({proxy.connect_address for proxy in stale}))
        planned.add(
            "proxy",
            f"Lead {_of_ports_words(ports)} of {facts.machine.name} no longer to {to} (netsh portproxy).",
            ports=[],
            gone=ports,
            distribution="",
            program=facts.wsl.store,
        )
    if task.is_named(facts):
        planned.add("no_proxy_task", f"Remove the task '{task.name}'.", name=task.name, path=task.path)


def _proxy_settings(facts: Facts, wishes: Wishes, ports: Sequence[int]) -> dict[str, Any]:
    return {"ports": list(ports), "gone": [], "distribution": wishes.distribution, "program": facts.wsl.store}


def _of_ports_words(ports: Sequence[int]) -> str:
    return f"port{'s' if len(ports) > 1 else ''} {listed([str(port) for port in ports])}"


def _ipv4(addresses: str) -> str:
    return next((word for word in addresses.split() if word.count(".") == 3), "")


def _name(planned: Plan, facts: Facts, wishes: Wishes) -> None:
    wanted = [name for name in wishes.names if name != "localhost" and not name.replace(".", "").isdigit()]
    missing = [name for name in wanted if _addresses(facts, name) != {_ITSELF}]
    if missing:
        planned.add(
            "hosts",
            f"Have {listed(missing)} lead {facts.machine.name} to itself (hosts file).",
            add=missing,
            remove=[],
            address=_ITSELF,
        )


def _addresses(facts: Facts, name: str) -> set[str]:
    """The IPv4 addresses to which the hosts file leads."""
    return {
        line.address
        for line in facts.hosts
        if name.lower() in [found.lower() for found in line.names] and ":" not in line.address
    }


def _absent(planned: Plan, facts: Facts, wishes: Wishes) -> None:
    remove_rules(planned, facts)
    ports = [opening.port for opening in wishes.openings]
    stale = [proxy for proxy in facts.proxies if proxy.listen_port in ports and _is_to_wsl(proxy, facts)]
    _stop_leading(planned, facts, proxy_task(wishes), stale)
    # A line that has other names, too, is somebody's own.
    lines = [line.names[0].lower() for line in facts.hosts if line.address == _ITSELF and len(line.names) == 1]
    there = [name for name in wishes.names if name.lower() in lines and name != "localhost"]
    if there:
        planned.add("hosts", f"Take {listed(there)} out of the hosts file.", add=[], remove=there, address=_ITSELF)
