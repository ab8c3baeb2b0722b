# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Deployment and a Service for each served model, and what keeps enough of it running."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import CONTAINER_PORT
from ansible_collections.hearth.llm.plugins.module_utils._served_names import cluster_name
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes import storage
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import (
    Manifest,
    labels,
    manifest,
    selector,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.pods import container, placed, pod, probes

COMPONENT = "engine"
USER = 10001
KEY = "/run/hearth/key"
# A processor is busy while it answers: from here on another pod is of use.
_BUSY_PERCENT = 80


def engine(name: str, told: Mapping[str, Any], namespace: str) -> Iterator[Manifest]:
    """`told`: image, command, arguments, environment and health of its container, cpus, memory, least and most, fingerprint, spot, surge,
    nodes, on_one_node, start_seconds and key, the Secret with what it wants to see."""
    called = cluster_name(name)
    mine, least, most = labels(COMPONENT, called), int(told["least"]), int(told["most"])
    on_one_node = bool(told["on_one_node"])
    its = container(
        "engine",
        str(told["image"]),
        user=USER,
        cpu=str(told["cpus"]),
        memory=str(told["memory"]),
        command=told["command"],
        arguments=told["arguments"],
        environment=told["environment"],
        port=CONTAINER_PORT,
        mounts=[
            {"name": "models", "mountPath": storage.MOUNTED, "readOnly": True},
            {"name": "key", "mountPath": posixpath.dirname(KEY), "readOnly": True},
        ],
        probes=probes(str(told["health"]), CONTAINER_PORT, int(told["start_seconds"])),
    )
    volumes = [
        {"name": "models", "persistentVolumeClaim": {"claimName": storage.CLAIM}},
        {"name": "key", "secret": {"secretName": told["key"], "defaultMode": 0o440}},
    ]
    template = pod(
        {**mine, **storage.READER},
        its,
        volumes=volumes,
        placed=placed(
            COMPONENT, called, spot=bool(told["spot"]), nodes=told["nodes"], replicas=most, on_one_node=on_one_node
        ),
        grace_seconds=60,
        # Other bytes of the model under the same name are other pods.
        annotations={"hearth.llm/model": str(told["fingerprint"])},
    )
    yield manifest(
        "apps/v1",
        "Deployment",
        called,
        namespace,
        mine,
        spec={
            # Where an autoscaler says how many there are, nobody else does.
            **({"replicas": least} if most == least else {}),
            "selector": {"matchLabels": selector(COMPONENT, called)},
            "strategy": _strategy(least, surge=bool(told["surge"])),
            "progressDeadlineSeconds": int(told["start_seconds"]) + 300,
            "revisionHistoryLimit": 3,
            "template": template,
        },
    )
    yield manifest(
        "v1",
        "Service",
        called,
        namespace,
        mine,
        spec={
            "type": "ClusterIP",
            "selector": selector(COMPONENT, called),
            "ports": [{"name": "http", "port": CONTAINER_PORT, "targetPort": CONTAINER_PORT, "protocol": "TCP"}],
        },
    )
    yield from keeping(COMPONENT, called, namespace, least, most)


def keeping(component: str, called: str, namespace: str, least: int, most: int) -> Iterator[Manifest]:
    """Of one pod alone a budget would keep its node from being drained; of several it keeps all but one."""
    mine = labels(component, called)
    if least > 1:
        yield manifest(
            "policy/v1",
            "PodDisruptionBudget",
            called,
            namespace,
            mine,
            spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(component, called)}},
        )
    if most > least:
        busy = {"type": "Utilization", "averageUtilization": _BUSY_PERCENT}
        yield manifest(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            called,
            namespace,
            mine,
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": called},
                "minReplicas": least,
                "maxReplicas": most,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": busy}}],
                # A model is loaded for minutes: it is not let go of between two questions.
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}},
            },
        )


def _strategy(least: int, *, surge: bool) -> dict[str, Any]:
    """Another pod first, then the old one; where there is no room for two, one of several gives way, or the only one ends before its successor begins."""
    if surge:
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    if least > 1:
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    return {"type": "Recreate"}
