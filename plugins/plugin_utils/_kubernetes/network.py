# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk with whom in the namespace: nobody, but for what is named here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import CONTAINER_PORT
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes import engines, storage
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import Manifest, labels, manifest, selector

GATEWAY = "gateway"
GATEWAY_PORT = 8443
# A cluster's name server, and the cache of it that some have on each node.
_DNS = {
    "to": [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}},
        {"ipBlock": {"cidr": "169.254.20.10/32"}},
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def policies(namespace: str, addresses: Sequence[str]) -> Iterator[Manifest]:
    """`addresses`: where models are fetched from, as URLs, whose ports are open to the Job."""
    yield _policy("default-deny", namespace, {}, ingress=[], egress=[])
    engine = _of(engines.COMPONENT)
    yield _policy(
        "gateway",
        namespace,
        _of(GATEWAY),
        ingress=[{"ports": [{"protocol": "TCP", "port": GATEWAY_PORT}]}],
        egress=[_DNS, {"to": [{"podSelector": engine}], "ports": [{"protocol": "TCP", "port": CONTAINER_PORT}]}],
    )
    yield _policy(
        "engines",
        namespace,
        engine,
        ingress=[
            {"from": [{"podSelector": _of(GATEWAY)}], "ports": [{"protocol": "TCP", "port": CONTAINER_PORT}]},
        ],
        # An engine downloads nothing, and calls nobody.
        egress=[],
    )
    ports = sorted({_port(address) for address in addresses} | {443})
    yield _policy(
        "fetch",
        namespace,
        _of(storage.COMPONENT),
        ingress=[],
        egress=[_DNS, {"ports": [{"protocol": "TCP", "port": port} for port in ports]}],
    )


def _of(component: str) -> dict[str, Any]:
    return {"matchLabels": selector(component)}


def _policy(
    name: str, namespace: str, pods: Mapping[str, Any], *, ingress: Sequence[Any], egress: Sequence[Any]
) -> Manifest:
    return manifest(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        name,
        namespace,
        labels("network"),
        spec={
            "podSelector": dict(pods),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": list(ingress),
            "egress": list(egress),
        },
    )


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or (80 if parts.scheme == "http" else 443)
