# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours in a cluster, and not described any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.engines import COMPONENT as ENGINE
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import COMPONENT, MANAGED, MANAGER

# What may go, in the order in which it goes. A volume of models is in no list: it goes by its name alone, when somebody says so.
KINDS = (
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
)


def leftovers(
    there: Iterable[Mapping[str, Any]], wanted: Sequence[str], *, percent_max: int = 100, namespace: str = ""
) -> dict[str, Any]:
    """`there`: objects as the server has them. `wanted`: Kind/name of each that stays. What would take away more models than was meant is refused."""
    order = {kind: number for number, (_api, kind) in enumerate(KINDS)}
    ours = [
        one
        for one in there
        if str(one["kind"]) in order and (one["metadata"].get("labels") or {}).get(MANAGED) == MANAGER
    ]
    going = sorted(
        (one for one in ours if _name(one) not in wanted),
        key=lambda one: (order[str(one["kind"])], str(one["metadata"]["name"])),
    )
    models = {_name(one) for one in ours if _is_engine(one)}
    findings = []
    try:
        refuse_beyond(
            f"models of the namespace {namespace}",
            models - set(wanted),
            len(models | {name for name in wanted if name.startswith("Deployment/model-")}),
            percent_max,
            "write hearth_accept_removals: [models]",
            stays=len(models & set(wanted)),
        )
    except HearthError as error:
        findings.append(error.message)
    return {
        "objects": [
            {"api_version": str(one["apiVersion"]), "kind": str(one["kind"]), "name": str(one["metadata"]["name"])}
            for one in going
        ],
        "findings": findings,
    }


def others(there: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is in the namespace, and neither ours, nor made by the cluster for what is ours, nor for every namespace."""
    return sorted(
        f"{one['kind']} {one['metadata']['name']}"
        for one in there
        if (one["metadata"].get("labels") or {}).get(MANAGED) != MANAGER
        and not one["metadata"].get("ownerReferences")
        and one["metadata"]["name"] != "kube-root-ca.crt"
    )


def _name(one: Mapping[str, Any]) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def _is_engine(one: Mapping[str, Any]) -> bool:
    return bool(one["kind"] == "Deployment" and one["metadata"]["labels"].get(COMPONENT) == ENGINE)
