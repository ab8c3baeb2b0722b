# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door in a cluster: HAProxy with the files that the role gateway composes, and how clients reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.engines import keeping
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import (
    Manifest,
    labels,
    manifest,
    selector,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.network import GATEWAY, GATEWAY_PORT
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.pods import container, placed, pod, probes

# Who HAProxy is in its image.
USER = 99
METRICS_PORT = 8404
_CONFIG = "/etc/hearth"
# What it keeps while it runs: what was used, and where a service that fetches models would be.
_RUN = "/var/lib/hearth"


def gateway(files: str, namespace: str, told: Mapping[str, Any]) -> Iterator[Manifest]:
    """`files`: the Secret with its configuration. `told`: image, replicas, memory, longest_seconds, port, domain, and exposure with its own keys."""
    mine, replicas = labels(GATEWAY, GATEWAY), int(told["replicas"])
    its = container(
        "haproxy",
        str(told["image"]),
        user=USER,
        cpu="1",
        memory=str(told["memory"]),
        # -W: a master that ends with its worker's streams; -db: in the foreground.
        command=["haproxy", "-W", "-db", "-f", f"{_CONFIG}/haproxy.cfg"],
        environment={"MALLOC_TRIM_THRESHOLD_": "134217728", "MALLOC_MMAP_THRESHOLD_": "33554432"},
        port=GATEWAY_PORT,
        mounts=[
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
            {"name": "run", "mountPath": _RUN},
        ],
        probes=probes("/health", METRICS_PORT, 60),
    )
    yield manifest(
        "apps/v1",
        "Deployment",
        GATEWAY,
        namespace,
        mine,
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": selector(GATEWAY, GATEWAY)},
            # The new one answers before the old one is told to end, which it does with its last stream.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": 300,
            "revisionHistoryLimit": 3,
            "template": pod(
                mine,
                its,
                volumes=[
                    {"name": "config", "secret": {"secretName": files, "defaultMode": 0o440}},
                    {"name": "run", "emptyDir": {"sizeLimit": "256Mi"}},
                ],
                placed=placed(GATEWAY, GATEWAY, nodes=told["nodes"], replicas=replicas),
                grace_seconds=int(told["longest_seconds"]),
            ),
        },
    )
    yield _service(namespace, mine, told)
    yield from keeping(GATEWAY, GATEWAY, namespace, replicas, replicas)
    if told["exposure"] == "ingress":
        yield _ingress(namespace, mine, told)


def _service(namespace: str, mine: Mapping[str, str], told: Mapping[str, Any]) -> Manifest:
    kind = {"load_balancer": "LoadBalancer", "node_port": "NodePort"}.get(str(told["exposure"]), "ClusterIP")
    port: dict[str, Any] = {"name": "https", "port": int(told["port"]), "targetPort": GATEWAY_PORT, "protocol": "TCP"}
    if kind == "NodePort" and told.get("node_port"):
        port["nodePort"] = int(told["node_port"])
    found = manifest(
        "v1",
        "Service",
        GATEWAY,
        namespace,
        mine,
        spec={
            "type": kind,
            "selector": selector(GATEWAY, GATEWAY),
            "ports": [port],
            # So that the gateway sees who asks, and no node passes requests on to another one.
            **({"externalTrafficPolicy": "Local"} if kind != "ClusterIP" else {}),
            **(
                {"loadBalancerSourceRanges": list(told["sources"])}
                if kind == "LoadBalancer" and told.get("sources")
                else {}
            ),
        },
    )
    if kind == "LoadBalancer" and told.get("annotations"):
        found["metadata"]["annotations"] = dict(told["annotations"])
    return found


def _ingress(namespace: str, mine: Mapping[str, str], told: Mapping[str, Any]) -> Manifest:
    """TLS stays the gateway's: what comes for its name is passed on as it is, which a controller is told by annotations of its own."""
    backend = {"service": {"name": GATEWAY, "port": {"number": int(told["port"])}}}
    found = manifest(
        "networking.k8s.io/v1",
        "Ingress",
        GATEWAY,
        namespace,
        mine,
        spec={
            **({"ingressClassName": str(told["ingress_class"])} if told.get("ingress_class") else {}),
            "tls": [{"hosts": [str(told["domain"])]}],
            "rules": [
                {
                    "host": str(told["domain"]),
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    )
    found["metadata"]["annotations"] = dict(told["annotations"])
    return found
