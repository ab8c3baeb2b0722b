# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole proof: the ports of a host, and the doors among them."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._exposure import tls
from ansible_collections.hearth.llm.plugins.module_utils._exposure.finding import Finding, endpoint
from ansible_collections.hearth.llm.plugins.module_utils._exposure.identify import Service, identify, plain_request
from ansible_collections.hearth.llm.plugins.module_utils._exposure.scan import Scan, scan
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError

if TYPE_CHECKING:
    from typing import AbstractSet, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._exposure.door import Door, OpenDoor

_WORKERS = 16
_NAMING_SECONDS = 2.0
# What a server on the TLS port may say to plain HTTP: that it wants TLS.
_WANTS_TLS = (400, 421, 426, 497)


@dataclass(frozen=True)
class Expectation:
    """What is declared."""

    addresses: Sequence[str]
    # Must answer.
    open_ports: AbstractSet[int]
    # May answer, to some.
    tolerated_ports: AbstractSet[int]
    # May talk HTTP without TLS.
    plain_ports: AbstractSet[int]
    doors: Sequence[Door]
    certificate_days: float


@dataclass
class Proof:
    """What was asked, and what was found."""

    scan: Scan
    # Address → port → what answers there.
    services: dict[str, dict[int, str]] = field(default_factory=dict)
    doors: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def addresses_of(target: str) -> list[str]:
    """Every address that a name has."""
    try:
        found = socket.getaddrinfo(target, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"target: the name {target} is not known here ({error}). Name the host's addresses in addresses."
        ) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def prove(
    expected: Expectation, ports: Sequence[int], *, timeout: float, parallel: int, answer_seconds: float
) -> Proof:
    """Asks everything. What is wrong is in the findings, in the order in which it was asked."""
    proof = Proof(scan(expected.addresses, ports, timeout=timeout, parallel=parallel))
    _ask_again(proof.scan, expected.open_ports, timeout, parallel)
    for address in expected.addresses:
        _judge_ports(proof, expected, address, answer_seconds)
        for door in expected.doors:
            if door.port in proof.scan.open[address]:
                _judge_door(proof, expected, door.way(address, answer_seconds))
    _judge_silence(proof, expected)
    return proof


def _ask_again(found: Scan, declared: AbstractSet[int], timeout: float, parallel: int) -> None:
    """A declared port that was silent may only have been slow."""
    for address, ports in found.open.items():
        silent = sorted(declared - ports)
        if silent and address not in found.unreachable:
            ports |= scan([address], silent, timeout=2 * timeout, parallel=parallel).open[address]


def _judge_ports(proof: Proof, expected: Expectation, address: str, seconds: float) -> None:
    if address in proof.scan.unreachable:
        reason = proof.scan.unreachable[address]
        remedy = "Ask from a machine that has a way there, or leave the address out"
        proof.findings.append(Finding("port", address, f"it cannot be reached from here ({reason})", remedy))
        return
    ports = sorted(proof.scan.open[address])
    # What answers is asked for its name only: one that says nothing must not cost more than that is worth.
    patience = min(seconds, _NAMING_SECONDS)
    with ThreadPoolExecutor(_WORKERS) as pool:
        services = dict(
            zip(ports, pool.map(lambda port: identify(_connector(address, port, patience), _host(address)), ports))
        )
    proof.services[address] = {port: service.words for port, service in services.items()}
    doors = {door.port for door in expected.doors}
    for port, service in services.items():
        where = f"port {port} at {endpoint(address, port)}"
        if port not in expected.open_ports | expected.tolerated_ports:
            proof.findings.append(Finding("port", where, _undeclared(service), _close(service)))
        elif service.plain_http and port not in expected.plain_ports | doors:
            proof.findings.append(
                Finding("plain_http", where, f"{service.words} answers", "Put it behind the door, which speaks TLS")
            )


def _judge_silence(proof: Proof, expected: Expectation) -> None:
    """What is declared has to answer somewhere: a door may be open over IPv4 only."""
    answering = set().union(*proof.scan.open.values())
    for port in sorted(expected.open_ports - answering):
        remedy = "Start what should listen there and let it through the firewall, or do not declare it"
        where = ", ".join(endpoint(address, port) for address in expected.addresses)
        proof.findings.append(
            Finding("port", f"port {port} at {where}", "declared as open, it does not answer", remedy)
        )


def _undeclared(service: Service) -> str:
    danger = f" ({service.danger})" if service.danger else ""
    return f"nobody declared it, and {service.words} answers{danger}"


def _close(service: Service) -> str:
    if service.danger:
        return "Close it now: publish it on 127.0.0.1 only, and load the firewall's rules (role hearth.llm.firewall)"
    return "Close it by the firewall (role hearth.llm.firewall), or declare it if others need it"


def _judge_door(proof: Proof, expected: Expectation, door: OpenDoor) -> None:
    where = f"port {door.door.port} at {endpoint(door.address, door.door.port)}"
    connect = _connector(door.address, door.door.port, door.seconds)
    plain = plain_request(connect, door.door.name, "/")
    if plain and not plain.leads_to_https and plain.status not in _WANTS_TLS:
        remedy = "Give the gateway its certificate, and answer plain HTTP by a redirect or not at all"
        proof.findings.append(Finding("plain_http", where, f"it answered {plain.status} to HTTP without TLS", remedy))
    outdated = tls.outdated_versions(connect, door.door.name)
    if outdated:
        remedy = "Let the gateway accept TLS 1.2 and 1.3 only"
        proof.findings.append(Finding("tls", where, f"it accepts {', '.join(outdated)} for {door.door.name}", remedy))
    asked: dict[str, Any] = {
        "url": door.door.url,
        "address": door.address,
        "certificate_days_left": None,
        "paths_asked": False,
    }
    proof.doors.append(asked)
    try:
        asked["certificate_days_left"] = days = door.certificate_days()
        if days < expected.certificate_days:
            found = f"the certificate for {door.door.name} ends in {days:.0f} days"
            proof.findings.append(Finding("certificate", where, found, "Renew it"))
        proof.findings += door.open_paths() + door.missing_locks()
        asked["paths_asked"] = True
    except ProbeError as error:
        what, _stop, remedy = error.message.rstrip(".").rpartition(". ")
        check = "certificate" if error.stage == "tls" else "path"
        proof.findings.append(Finding(check, where, what, f"{remedy}; its paths could not be asked"))
    finally:
        door.close()


def _connector(address: str, port: int, seconds: float) -> partial[socket.socket]:
    return partial(socket.create_connection, (address, port), seconds)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
