# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster can do what is described: all that is missing, before anything is applied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.pods import SPOT

# Server-side apply is stable since 1.22, autoscaling/v2 and policy/v1 are served, and pod security is judged by namespaces since 1.25.
OLDEST = (1, 25)
_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|[kMGT]i?|Ki)?")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
Object = Mapping[str, Any]


def quantity(text: Any) -> float:
    """As Kubernetes writes amounts: 22, 21500m, 88Gi."""
    found = _QUANTITY.fullmatch(str(text))
    if not found:
        return 0.0
    unit = found[2] or ""
    return float(found[1]) / 1000 if unit == "m" else float(found[1]) * _UNITS[unit]


def judged(cluster: Mapping[str, Any], plan: Mapping[str, Any], storage: Mapping[str, Any]) -> dict[str, list[str]]:
    return {"findings": findings(cluster, plan, storage), "notes": notes(cluster)}


def findings(cluster: Mapping[str, Any], plan: Mapping[str, Any], storage: Mapping[str, Any]) -> list[str]:
    """`cluster`: version (major, minor), nodes, storage_classes, quotas and claims as the server has them, and which of them who asks may see."""
    return [
        *_version(cluster["version"]),
        *(_classes(cluster["storage_classes"], storage) if cluster["classes_are_known"] else ()),
        *_claim(cluster["claims"], storage),
        *(_nodes(cluster["nodes"], plan["stages"]["engines"]) if cluster["nodes_are_known"] else ()),
        *_quotas(cluster["quotas"], plan["stages"]),
    ]


def notes(cluster: Mapping[str, Any]) -> list[str]:
    """What is no reason to stop, and good to know."""
    return [*_classes_unknown(cluster), *_processors(cluster)]


def _classes_unknown(cluster: Mapping[str, Any]) -> Iterator[str]:
    if not cluster["classes_are_known"]:
        yield "You may not list the storage classes of the cluster: whether it has the one of hearth_kubernetes.storage_class is not known."


def _processors(cluster: Mapping[str, Any]) -> Iterator[str]:
    if not cluster["nodes_are_known"]:
        yield "You may not list the nodes of the cluster: whether one has room for each pod is not known."
        return
    features = {
        name.rpartition("-")[2].partition(".")[2]
        for node in cluster["nodes"]
        for name in (node["metadata"].get("labels") or {})
        if name.startswith("feature.node.kubernetes.io/cpu-cpuid.")
    }
    able = sorted(name for name in ("AVX512F", "AVX512VNNI", "AMXINT8", "AMXBF16") if name in features)
    if able:
        yield f"Processors of nodes have {', '.join(able)}."
    elif features:
        yield "No node has AVX-512 or AMX: models answer slowly."
    else:
        yield (
            "No node says what its processors can do (node-feature-discovery is not there): whether they have AVX-512 or AMX is not known."
        )


def pods_say(pods: Sequence[Object]) -> list[str]:
    """Why pods are not ready, in the cluster's own words."""
    said = []
    for pod in pods:
        status, name = pod.get("status") or {}, pod["metadata"]["name"]
        for condition in status.get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                said.append(f"{name} is on no node: {condition.get('message', condition.get('reason', ''))}")
        for container in status.get("containerStatuses") or ():
            state = container.get("state") or {}
            last = (container.get("lastState") or {}).get("terminated") or {}
            why = state.get("waiting") or state.get("terminated") or {}
            if why and not container.get("ready") and why.get("reason") != "Completed":
                ended = f", after it had ended by {last['reason']} ({last['exitCode']})" if last else ""
                said.append(f"{name} is not ready: {why.get('reason', '')} {why.get('message', '')}".rstrip() + ended)
            elif not container.get("ready") and state.get("running"):
                said.append(f"{name} runs, and is not ready yet")
    return said


def _version(version: Mapping[str, Any]) -> Iterator[str]:
    major, minor = (int(re.sub(r"\D.*", "", str(version.get(part, "0"))) or 0) for part in ("major", "minor"))
    if (major, minor) < OLDEST:
        yield f"The cluster is Kubernetes {major}.{minor}, and {OLDEST[0]}.{OLDEST[1]} or newer is needed: upgrade it."


def _classes(classes: Sequence[Object], storage: Mapping[str, Any]) -> Iterator[str]:
    names = sorted(str(one["metadata"]["name"]) for one in classes)
    wanted = str(storage["class"])
    if wanted and wanted not in names:
        there = ", ".join(names) or "none"
        yield f"hearth_kubernetes.storage_class is {wanted}, and the cluster has no such class: write one that it has ({there})."
    if not wanted and not any(
        (one["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true" for one in classes
    ):
        there = ", ".join(names) or "none"
        yield f"hearth_kubernetes.storage_class is not described, and no class of the cluster is its default: write one that it has ({there})."


def _claim(claims: Sequence[Object], storage: Mapping[str, Any]) -> Iterator[str]:
    """Of a volume that is there only the size may change, and only upwards."""
    for claim in claims:
        spec = claim["spec"]
        has = quantity(spec["resources"]["requests"]["storage"])
        if has > int(storage["bytes"]):
            yield (
                f"hearth_kubernetes.storage is {storage['bytes']} bytes, and the volume of models has {has:.0f}: no volume becomes smaller, so write at "
                "least that much."
            )
        if storage["access"] not in spec["accessModes"]:
            yield (
                f"hearth_kubernetes.storage_access is {storage['access']}, and the volume of models is {', '.join(spec['accessModes'])}, which never changes: "
                "write that, or remove the installation with its models (hearth_purge) first."
            )
        if storage["class"] and storage["class"] != spec.get("storageClassName"):
            yield (
                f"hearth_kubernetes.storage_class is {storage['class']}, and the volume of models is of {spec.get('storageClassName')}, which never changes: "
                "write that, or remove the installation with its models (hearth_purge) first."
            )


def _nodes(nodes: Sequence[Object], objects: Sequence[Object]) -> Iterator[str]:
    for one in objects:
        if one["kind"] != "Deployment":
            continue
        spec = one["spec"]["template"]["spec"]
        wants = spec["containers"][0]["resources"]["requests"]
        cpu, memory = quantity(wants["cpu"]), quantity(wants["memory"])
        fit = [node for node in nodes if _may_be_on(spec, node)]
        large = [node for node in fit if _has(node, "cpu") >= cpu and _has(node, "memory") >= memory]
        name = one["metadata"]["name"]
        if not fit:
            yield f"{name} may be on no node of the cluster: correct its nodes, or write spot: true where the cluster has spot nodes only."
        elif not large:
            most = max(fit, key=lambda node: _has(node, "memory"))
            yield (
                f"{name} asks for {wants['cpu']} processors and {wants['memory']}, and the largest node that it may be on, {most['metadata']['name']}, has "
                f"{most['status']['allocatable']['cpu']} and {most['status']['allocatable']['memory']}: write less in its pod, or add a larger node."
            )


def _may_be_on(spec: Mapping[str, Any], node: Object) -> bool:
    has = node["metadata"].get("labels") or {}
    if any(has.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    tolerated = {one["key"] for one in spec.get("tolerations") or ()}
    if not tolerated and any(has.get(key) == value for key, value in SPOT):
        return False
    taints = (node.get("spec") or {}).get("taints") or ()
    return all(taint["effect"] == "PreferNoSchedule" or taint["key"] in tolerated for taint in taints)


def _has(node: Object, what: str) -> float:
    return quantity(node["status"]["allocatable"][what])


def _quotas(quotas: Sequence[Object], stages: Mapping[str, Sequence[Object]]) -> Iterator[str]:
    """What all pods ask for together, as an administrator of the namespace has bounded it."""
    wanted = {"cpu": 0.0, "memory": 0.0}
    for one in (*stages["engines"], *stages["gateway"]):
        if one["kind"] == "Deployment":
            asks = one["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
            for what in wanted:
                wanted[what] += quantity(asks[what]) * int(one["spec"].get("replicas", 1))
    for quota in quotas:
        hard = (quota.get("status") or {}).get("hard") or quota["spec"].get("hard") or {}
        for what, amount in wanted.items():
            bound = hard.get(f"requests.{what}", hard.get(what))
            if bound is not None and amount > quantity(bound):
                yield (
                    f"All pods together ask for {amount:.0f} of {what}, and the quota {quota['metadata']['name']} of the namespace allows {bound}: write less "
                    "in the models' pods, or have the quota raised."
                )
