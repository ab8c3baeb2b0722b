# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in the description of a cluster."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_models import most_instances

# What is of a host, and why a cluster has none of it.
_OF_HOSTS = {
    "hearth_frontends": "frontends run on hosts: describe them on a host, with the cluster's gateway as their door",
    "hearth_open_ports": "who may talk with whom is said by its network policies",
    "hearth_otel_collector": "it runs on hosts",
    "hearth_valkey": "it runs on hosts",
    "hearth_gpus": "pods of models compute by processors",
    "hearth_shared_address": "its load balancer is one address already",
    "hearth_locked": "no lock is kept of its images",
    "hearth_backup": "what is kept lies on hosts",
    "hearth_disk_budget": "models are fetched before they are served",
}
_OF_MODELS = {
    "path": "no host of it has the file: write a source",
    "gpus": "pods of models compute by processors",
    "rpc": "workers are hosts",
    "nodes": "it is split over hosts",
    "hosts": "the scheduler says where its pods are: write pod.nodes",
}


def of_cluster(described: Typed) -> Iterator[str]:
    if "hearth_runtime" in described.unsure:
        return
    runs = described.get("hearth_runtime") == "kubernetes"
    its = described.get("hearth_kubernetes")
    if not runs:
        if its is not None:
            runtime = described.get("hearth_runtime", "docker")
            yield f"hearth_kubernetes is described, and hearth_runtime is {runtime}: write hearth_runtime: kubernetes, or take it away."
        return
    if described.lacks("hearth_kubernetes"):
        yield "hearth_runtime is kubernetes, and hearth_kubernetes is missing: write hearth_kubernetes: {storage: 100G}, the size of the volume of models."
    for variable, why in _OF_HOSTS.items():
        if described.get(variable):
            yield f"{variable} is described, and hearth_runtime is kubernetes, where {why}: take it away."
    if described.get("hearth_tls", Typed()).get("source") == "acme":
        yield (
            "hearth_tls.source is 'acme', and hearth_runtime is kubernetes, where no host answers the server's challenge: write source: files, with a "
            "certificate that you have got, or take it away for a private CA."
        )
    yield from _exposure(its or Typed())
    yield from _models(described)
    for key in described.get("hearth_api_keys", ()):
        path = f"hearth_api_keys[{key.get('name', '')}]"
        for budget in ("tokens_per_day", "tokens_per_month"):
            if budget in key:
                yield f"{path}.{budget} is counted on the gateway's host, and the gateway of a cluster keeps nothing when its pod changes: take it away."
        if "hand_over" in key:
            yield f"{path}.hand_over is a file of the gateway's host, and a cluster has none: take it away."


def _exposure(its: Typed) -> Iterator[str]:
    if "exposure" in its.unsure:
        return
    exposure = its.get("exposure", "cluster")
    for key, wanted in (("node_port", "node_port"), ("ingress_class", "ingress")):
        if key in its and exposure != wanted:
            yield f"hearth_kubernetes.{key} is described, and hearth_kubernetes.exposure is {exposure}: write exposure: {wanted}, or take it away."
    if "annotations" in its and exposure not in ("ingress", "load_balancer"):
        yield f"hearth_kubernetes.annotations is described, and hearth_kubernetes.exposure is {exposure}, which is told nothing: take it away."


def _models(described: Typed) -> Iterator[str]:
    models = described.get("hearth_models", {})
    spots = {name for name, model in models.items() if model.get("pod", Typed()).get("spot")}
    its = described.get("hearth_kubernetes", Typed())
    # Where one node has the volume, all who have it are on that node.
    if spots and spots != set(models) and its.get("storage_access", "ReadWriteOnce") == "ReadWriteOnce":
        other = min(set(models) - spots)
        yield (
            f"hearth_models.{sorted(spots)[0]}.pod.spot is true and that of {other} is not, and one node has the volume of models, so that all are together: "
            "write spot for all or for none, or hearth_kubernetes.storage_access: ReadWriteMany."
        )
    most = most_instances(models)
    for name, model in models.items():
        path = f"hearth_models.{name}"
        if model.lacks("pod") and not model.broken:
            yield f"{path} has no pod: write pod: {{cpus: 8, memory: 16GiB}}, what each of its pods gets."
        for key, why in _OF_MODELS.items():
            if model.get(key):
                yield f"{path}.{key} is described, and hearth_runtime is kubernetes, where {why}. Take it away."
        if str(model.get("source", "")).startswith("file:"):
            yield f"{path}.source is a file of a host, and a cluster has none: write hf://owner/repository/file or https://…"
        if model.get("load", "startup") == "on_demand":
            yield f"{path}.load is 'on_demand', and in a cluster each pod has its model from the start: take it away."
        if (model.get("instances") or {}).get("min") == 0 and most.get(name):
            yield f"{path}.instances.min is 0, and nothing in a cluster would wake a model that has no pod: write 1."
