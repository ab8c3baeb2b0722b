# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in the variables of a host."""

from __future__ import annotations

import ipaddress
from typing import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.private_network import RANGE
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_models import most_instances
from ansible_collections.hearth.llm.plugins.module_utils._description.surroundings import Surroundings
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier, instance

_SOCKET_BYTES = 107


def of_host(described: Typed, around: Surroundings) -> Iterator[str]:
    if described.get("hearth_runtime") == "process":
        if described.get("hearth_gpus"):
            yield (
                f"hearth_gpus is [{listed(described['hearth_gpus'])}], and with hearth_runtime: process models are computed by the CPU: take it away, "
                "or write hearth_runtime: docker."
            )
        if described.get("hearth_gpu_policy") == "required":
            yield (
                "hearth_gpu_policy is 'required', and with hearth_runtime: process models are computed by the CPU: take it away, "
                "or write hearth_runtime: docker."
            )
        if described.get("hearth_firewall"):
            yield (
                "hearth_firewall is true, and with hearth_runtime: process the system of the host is left alone: take it away, "
                "or write hearth_runtime: docker."
            )
        if "hearth_lan_sources" in described:
            yield (
                f"hearth_lan_sources is [{listed(described['hearth_lan_sources'])}], and with hearth_runtime: process the host is not closed: "
                "take it away, and say by hearth_address who reaches the gateway."
            )
        if described.get("hearth_open_ports"):
            yield "hearth_open_ports is described, and with hearth_runtime: process the host is not closed: take it away, or write hearth_runtime: docker."
        yield from _sockets(described)
        for variable in ("hearth_otel_collector", "hearth_valkey"):
            if described.get(variable):
                yield f"{variable} is true, and it is run in a container only, while hearth_runtime is process: take it away, or write hearth_runtime: docker."
    elif "hearth_runtime" not in described.unsure and described.get("hearth_address") == "::":
        yield "hearth_address is '::', and Docker publishes on IPv4 addresses: write 0.0.0.0, or take it away."
    if described.get("hearth_gpu_policy") == "none" and described.get("hearth_gpus"):
        yield f"hearth_gpus is [{listed(described['hearth_gpus'])}], and hearth_gpu_policy is none: take one of them away."
    if described.get("hearth_gpu_policy") == "none":
        for name, model in described.get("hearth_models", {}).items():
            if model.get("gpus"):
                yield f"hearth_models.{name}.gpus is [{listed(model['gpus'])}], and hearth_gpu_policy is none: take one of them away."
    yield from _private_network(described)
    yield from _shared_address(described)
    yield from _tls(described.get("hearth_tls", Typed()))
    yield from _tls_files(described.get("hearth_tls", Typed()), around)


def _private_network(described: Typed) -> Iterator[str]:
    mode = described.get("hearth_private_network")
    if mode == "existing" and described.lacks("hearth_private_interface"):
        yield "hearth_private_network is 'existing', and hearth_private_interface is missing: name the interface of the host in that network."
    if (
        mode != "existing"
        and "hearth_private_network" not in described.unsure
        and "hearth_private_interface" in described
    ):
        yield (
            f"hearth_private_interface is '{described['hearth_private_interface']}', and hearth_private_network is {mode or 'not described'}: "
            "write hearth_private_network: existing, or take it away."
        )
    address, network = described.get("hearth_private_address"), described.get("hearth_private_network_range", RANGE)
    judged = mode == "wireguard" and "hearth_private_network_range" not in described.unsure
    if judged and address and ipaddress.ip_address(address) not in ipaddress.ip_network(network):
        yield f"hearth_private_address is {address}, and hearth_private_network_range is {network}: write one of its addresses, or take it away."


def _shared_address(described: Typed) -> Iterator[str]:
    given = described.get("hearth_shared_address")
    if given is None:
        if "hearth_shared_interface" in described and described.lacks("hearth_shared_address"):
            yield (
                f"hearth_shared_interface is '{described['hearth_shared_interface']}', and hearth_shared_address is not described: "
                "write the address that it is to have, or take it away."
            )
        return
    listens = described.get("hearth_address", "0.0.0.0")
    if listens not in ("0.0.0.0", "::"):
        yield (
            f"hearth_address is {listens}, and hearth_shared_address is {given}, at which nobody would answer: "
            "take hearth_address away, so that the gateway listens at every address of its host."
        )
    network = described.get("hearth_private_network_range", RANGE)
    judged = described.get("hearth_private_network", "wireguard") == "wireguard" and not {
        "hearth_private_network",
        "hearth_private_network_range",
    } & set(described.unsure)
    if judged and ipaddress.ip_interface(given).ip in ipaddress.ip_network(network):
        yield (
            f"hearth_shared_address is {given}, and {network} is the network that the hosts have for themselves: write an address that clients reach, "
            "or another hearth_private_network_range."
        )


def _sockets(described: Typed) -> Iterator[str]:
    """Programs without containers meet at Unix sockets, and the kernel takes short paths only."""
    directory = described.get("hearth_directory")
    if directory is None:
        return
    most = most_instances(described.get("hearth_models", {}))
    sockets = (f"run/{instance(identifier(name), number)}.sock" for name, number in most.items())
    longest = max([len("supervisor/supervisor.sock"), *map(len, sockets)])
    room = _SOCKET_BYTES - longest - 1
    if len(directory.rstrip("/").encode()) > room:
        yield (
            f"hearth_directory is '{directory if len(directory) < 60 else directory[:60] + '…'}', and the paths of sockets below it would be too long: "
            f"write a directory of at most {room} characters{', or shorter names of models' if longest > 40 else ''}."
        )


def _tls(tls: Typed) -> Iterator[str]:
    if "source" in tls.unsure:
        return
    source = tls.get("source", "private_ca")
    given = [name for name in ("certificate", "key") if name in tls]
    missing = " and ".join(f"hearth_tls.{name}" for name in ("certificate", "key") if tls.lacks(name))
    if source == "files" and missing:
        yield f"hearth_tls.source is 'files', and {missing} is missing: name both files on the controller."
    if source != "files" and given:
        yield f"hearth_tls.{given[0]} is a file, and hearth_tls.source is '{source}': write source: files, or take it away."
    if source == "private_ca" and "authority" in tls:
        yield "hearth_tls.authority is a file, and hearth_tls.source is 'private_ca', which makes its own: write source: files, or take it away."
    if source != "acme" and "acme" in tls:
        yield f"hearth_tls.acme is described, and hearth_tls.source is '{source}': write source: acme, or take it away."
    acme = tls.get("acme", Typed())
    if (
        source == "acme"
        and "acme" not in tls.unsure
        and "terms_agreed" not in acme.unsure
        and not acme.get("terms_agreed")
    ):
        yield "hearth_tls.source is 'acme', and hearth_tls.acme.terms_agreed is not true: read the server's terms, and agree to them by terms_agreed: true."


def _tls_files(tls: Typed, around: Surroundings) -> Iterator[str]:
    files = [(f"hearth_tls.{name}", tls.get(name)) for name in ("certificate", "key", "authority")]
    files.append(("hearth_tls.acme.server_authority", tls.get("acme", Typed()).get("server_authority")))
    for path, place in files:
        if place is not None and around.is_file is not None and not around.is_file(place):
            yield f"{path} is '{place}', and there is no such file on the controller: correct the path, or put it there."
