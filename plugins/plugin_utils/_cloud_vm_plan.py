# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VM is to be, what it costs, and in what one that is there differs from that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import collapse_addresses, ip_network
from typing import Any

HOURS_A_MONTH = 730
# What a provider does not have, and an input that asks for it.
LACKS = {
    "aws": {},
    "gcp": {"disk_key": "encrypts disks with its own keys here"},
    "lambda": {
        "spot": "sells no spot machines",
        "static_address": "has no addresses that outlive a machine",
        "termination_protection": "cannot protect a machine from its termination",
        "data_disk_gib": "has no disks to attach; the machine's own is what there is",
        "disk_key": "does not say how disks are encrypted",
    },
}


def plan(vm: Mapping[str, Any], machines: Mapping[str, Any], found: Mapping[str, Any] | None = None) -> dict[str, Any]:
    provider = str(vm["provider"])
    machine_type = str(vm["machine_type"] or machines["tiers"].get(provider, {}).get(vm["tier"], ""))
    machine = machines["machines"].get(provider, {}).get(machine_type, {})
    findings = list(_machine_findings(vm, machines, machine_type))
    ssh = _rules("ssh_sources", 22, "SSH", vm["ssh_sources"], findings)
    clients = _rules("client_sources", int(vm["port"]), "clients", vm["client_sources"], findings)
    if not vm["ssh_from_anywhere"]:
        findings += _exposure_findings(ssh)
    return {
        "findings": findings,
        "machine_type": machine_type,
        "gpus": _gpus(machine),
        "cpus": machine.get("cpus"),
        "memory_bytes": machine.get("memory_gib", 0) << 30 or None,
        "cost": _cost(vm, machines["prices"].get(provider, {}), machine_type),
        "rules": ssh + clients,
        **_names(vm),
        "differences": list(_differences(vm, machine_type, found)) if found else [],
    }


def _names(vm: Mapping[str, Any]) -> dict[str, Any]:
    """What is found again by: by tags, and by names where there are no tags."""
    resource = f"hearth_{vm['service']}_{vm['name']}"
    own = {"hearth_service": vm["service"], "hearth_vm": vm["name"]}
    tags = {"Name": vm["name"], **vm["tags"], **own}
    return {
        "resource": resource,
        "own_tags": own,
        "tags": tags,
        # As Google wants them: small letters, digits and dashes.
        "gcp": {
            "resource": re.sub(r"[^a-z0-9]+", "-", resource.lower()),
            "labels": {key.lower(): re.sub(r"[^a-z0-9_]+", "-", str(value).lower()) for key, value in tags.items()},
        },
        # As systemd wants it named.
        "mount_unit": str(vm["data_path"]).strip("/").replace("-", r"\x2d").replace("/", "-") + ".mount",
    }


def _differences(vm: Mapping[str, Any], machine_type: str, found: Mapping[str, Any]) -> Iterator[str]:
    if found["machine_type"] != machine_type:
        yield f"it is a {found['machine_type']}, and a {machine_type} is described"
    for disk in ("root", "data"):
        there, wanted = _size(found["volumes"], found[f"{disk}_device"]), int(vm[f"{disk}_disk_gib"])
        if there != wanted:
            yield f"its {disk} disk has {there} GiB, and cloud_vm_{disk}_disk_gib is {wanted}"
    unencrypted = [str(volume["id"]) for volume in found["volumes"] if not volume["encrypted"]]
    if unencrypted:
        yield f"not encrypted: {', '.join(unencrypted)}"


def _size(volumes: Iterable[Mapping[str, Any]], device: str) -> int:
    """Of a disk that is there under this name."""
    return next((int(one["size"]) for one in volumes if one["attachment_set"][0]["device"] == device), 0)


def _machine_findings(vm: Mapping[str, Any], machines: Mapping[str, Any], machine_type: str) -> Iterator[str]:
    provider = vm["provider"]
    if not vm["region"]:
        yield "cloud_vm_region is empty: name the region, such as us-east-1 (aws, lambda) or us-central1 (gcp)."
    if not machine_type:
        known = ", ".join(machines["tiers"].get(provider, {}))
        yield f"cloud_vm_tier is '{vm['tier']}', and {provider} has {known}: take one of these, or name a cloud_vm_machine_type."
    for name, lack in LACKS.get(provider, {}).items():
        if vm[name]:
            unset = (
                "leave it empty"
                if isinstance(vm[name], str)
                else f"set it to {'0' if name.endswith('gib') else 'false'}"
            )
            yield f"cloud_vm_{name} is {vm[name]}, but {provider} {lack}: {unset}."


def _rules(name: str, port: int, comment: str, sources: Sequence[str], findings: list[str]) -> list[dict[str, Any]]:
    networks: dict[int, list[Any]] = {4: [], 6: []}
    for source in sources:
        try:
            network = ip_network(source)
            networks[network.version].append(network)
        except ValueError as error:
            findings.append(
                f"cloud_vm_{name}: {error}: write an address or a network, such as 203.0.113.7 or 2001:db8::/48."
            )
    if not sources:
        findings.append(
            f"cloud_vm_{name} is empty, so nobody could reach port {port}: name the networks that may, such as [203.0.113.7/32]."
        )
    # Merged, so that two halves of the world are seen to be the world.
    return [
        {
            "port": port,
            "protocol": "tcp",
            "comment": comment,
            f"ipv{version}": [str(network) for network in collapse_addresses(same)],
        }
        for version, same in networks.items()
        if same
    ]


def _exposure_findings(rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for network in (network for rule in rules for network in rule.get("ipv4", rule.get("ipv6", []))):
        if ip_network(network).prefixlen == 0:
            yield (
                f"cloud_vm_ssh_sources opens SSH to the whole world ({network}): name the networks that you come from, "
                "or set cloud_vm_ssh_from_anywhere to true."
            )


def _gpus(machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    memory = machine.get("gpu_memory_gb", 0) * 10**9
    return [
        {"index": index, "name": machine["gpu"], "memory_bytes": memory} for index in range(machine.get("gpu_count", 0))
    ]


def _cost(vm: Mapping[str, Any], prices: Mapping[str, Any], machine_type: str) -> dict[str, Any]:
    """A machine whose price we do not know has no cost, rather than the cost of its disks."""
    regions = prices.get("regions", {})
    region = regions.get(vm["region"], regions.get("any", {}))
    machine = float(vm["hourly_price"] or 0) or region.get("machines", {}).get(machine_type)
    if machine is None:
        return {"hourly": None, "monthly": None, "parts": {}, "source": ""}
    disks = (int(vm["root_disk_gib"]) + int(vm["data_disk_gib"])) * region.get("disk_gib_month", 0) / HOURS_A_MONTH
    parts = {"machine": machine, "disks": disks, "address": region.get("address_hour", 0)}
    hourly = sum(parts.values())
    return {
        "hourly": round(hourly, 4),
        "monthly": round(hourly * HOURS_A_MONTH, 2),
        "parts": {name: round(price, 4) for name, price in parts.items()},
        "source": "cloud_vm_hourly_price" if vm["hourly_price"] else f"{prices['source']}, {prices['date']}",
    }
