# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every pod of ours is closed. Each rule stands here once, and test_policy.py reads all of them back from what is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import COMPONENT, INSTANCE, Manifest

# How nodes are marked that a cloud takes back at any time, and the taints by which some keep others away.
SPOT = (
    ("cloud.google.com/gke-spot", "true"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("karpenter.sh/capacity-type", "spot"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
)
# What those have in common that have the volume of models.
VOLUME = {"hearth.llm/volume": "models"}
# A path that programs may write to, and that nobody else has.
SCRATCH = "/tmp"


def container(
    name: str,
    image: str,
    *,
    user: int,
    cpu: str,
    memory: str,
    command: Sequence[str] = (),
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    port: int = 0,
    mounts: Sequence[Mapping[str, Any]] = (),
    probes: Mapping[str, Any] | None = None,
) -> Manifest:
    """What it asks for is what it gets at most: memory that is promised twice ends the largest pod, which is the model's."""
    return {
        "name": name,
        "image": image,
        # An exact version does not change: what a node has, it need not fetch again.
        "imagePullPolicy": "IfNotPresent",
        **({"command": list(command)} if command else {}),
        **({"args": list(arguments)} if arguments else {}),
        **(
            {"env": [{"name": key, "value": value} for key, value in sorted(environment.items())]}
            if environment
            else {}
        ),
        **({"ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}]} if port else {}),
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **(probes or {}),
        "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}, *map(dict, mounts)],
    }


def pod(
    told: Mapping[str, str],
    its: Manifest,
    *,
    volumes: Sequence[Mapping[str, Any]] = (),
    placed: Mapping[str, Any] | None = None,
    grace_seconds: int = 30,
    restart: str = "Always",
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    user = its["securityContext"]["runAsUser"]
    return {
        "metadata": {"labels": dict(told), **({"annotations": dict(annotations)} if annotations else {})},
        "spec": {
            # It asks the API server nothing, and is told of no Service by its environment.
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "hostNetwork": False,
            "hostPID": False,
            "hostIPC": False,
            "restartPolicy": restart,
            "terminationGracePeriodSeconds": grace_seconds,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "runAsGroup": user,
                "fsGroup": user,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [its],
            "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}, *map(dict, volumes)],
            **(placed or {}),
        },
    }


def placed(
    component: str,
    instance: str,
    *,
    spot: bool = False,
    nodes: Mapping[str, str] | None = None,
    replicas: int = 1,
    on_one_node: bool = False,
) -> dict[str, Any]:
    """Which nodes it may be on. One that may be taken back at any time is only for who says so. A volume that one node can have (`on_one_node`) keeps all
    together that have it: the scheduler would not, and all but the first would wait for it for ever."""
    found: dict[str, Any] = {"affinity": {}}
    if spot:
        found["tolerations"] = [
            {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"} for key, value in SPOT
        ]
    else:
        terms = [{"key": key, "operator": "NotIn", "values": [value]} for key, value in SPOT]
        found["affinity"]["nodeAffinity"] = {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": terms}]}
        }
    if on_one_node:
        term = {"labelSelector": {"matchLabels": VOLUME}, "topologyKey": "kubernetes.io/hostname"}
        found["affinity"]["podAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    if nodes:
        found["nodeSelector"] = dict(nodes)
    if replicas > 1 and not on_one_node:
        found["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {COMPONENT: component, **({INSTANCE: instance} if instance else {})}},
            }
        ]
    return found


def probes(path: str, port: int, start_seconds: int) -> dict[str, Any]:
    """Until a model is loaded nobody is sent to it, and nobody ends it for that; from then on it has to answer."""
    asked = {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}}
    return {
        "startupProbe": {
            **asked,
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": max(1, -(-start_seconds // 5)),
        },
        "readinessProbe": {**asked, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**asked, "periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 6},
    }
