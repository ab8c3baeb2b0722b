# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster lacks is said all at once; what is not described any more is found, and volumes of models are not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes import cluster, leftovers
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.plan import kubernetes_plan
from unit.plugins.plugin_utils._kubernetes.described import GIVEN

PLAN = kubernetes_plan(GIVEN)
STORAGE = PLAN["storage"]


def node(name: str, cpu: str = "22", memory: str = "88Gi", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {"allocatable": {"cpu": cpu, "memory": memory}},
    }


GOOD: dict[str, Any] = {
    "version": {"major": "1", "minor": "31+"},
    "nodes": [node("one"), node("two")],
    "nodes_are_known": True,
    "classes_are_known": True,
    "storage_classes": [{"metadata": {"name": "premium-rwo"}}],
    "quotas": [],
    "claims": [],
}
CLAIM = {
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "premium-rwo",
        "resources": {"requests": {"storage": "100000000000"}},
    }
}


def with_(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), **changes}


def test_a_cluster_that_can_do_it_has_no_finding() -> None:
    assert cluster.findings(with_(claims=[CLAIM]), PLAN, STORAGE) == []


@pytest.mark.parametrize(
    ("found", "storage", "said"),
    [
        ({"version": {"major": "1", "minor": "20"}}, {}, "is Kubernetes 1.20, and 1.25 or newer is needed"),
        ({"storage_classes": []}, {}, "has no such class: write one that it has (none)"),
        ({}, {"class": ""}, "no class of the cluster is its default"),
        ({"nodes": [node("small", "2", "4Gi")]}, {}, "the largest node that it may be on, small, has 2 and 4Gi"),
        ({"nodes": [node("spot", **{"cloud.google.com/gke-spot": "true"})]}, {}, "write spot: true"),
        ({"claims": [CLAIM]}, {"bytes": 1_000}, "no volume becomes smaller"),
        ({"claims": [CLAIM]}, {"access": "ReadWriteOnce"}, "which never changes"),
        (
            {"quotas": [{"metadata": {"name": "team"}, "spec": {"hard": {"requests.cpu": "8"}}}]},
            {},
            "the quota team of the namespace allows 8",
        ),
    ],
)
def test_what_a_cluster_lacks_is_said_with_a_remedy(found: Any, storage: Any, said: str) -> None:
    told = cluster.findings(with_(**found), PLAN, {**STORAGE, **storage})
    assert any(said in finding for finding in told), told


def test_all_that_is_missing_is_said_at_once() -> None:
    bare = with_(version={}, nodes=[], storage_classes=[])
    assert len(cluster.findings(bare, PLAN, STORAGE)) == 4


@pytest.mark.parametrize(
    ("text", "amount"),
    [("22", 22.0), ("21500m", 21.5), ("88Gi", 88 * 2**30), ("100G", 1e11), ("1.5Ki", 1536.0), ("nonsense", 0.0)],
)
def test_amounts_are_read_as_kubernetes_writes_them(text: str, amount: float) -> None:
    assert cluster.quantity(text) == amount


def test_processors_that_say_what_they_can_do_are_named() -> None:
    able = node("one", **{"feature.node.kubernetes.io/cpu-cpuid.AVX512F": "true"})
    assert cluster.notes(with_(nodes=[able])) == ["Processors of nodes have AVX512F."]
    assert "is not known" in cluster.notes(GOOD)[0]


def test_who_may_not_list_nodes_is_told_so_and_goes_on() -> None:
    found = with_(nodes=[], nodes_are_known=False)
    assert cluster.findings(found, PLAN, STORAGE) == []
    assert "is not known" in cluster.notes(found)[0]


def test_who_may_not_list_storage_classes_is_told_so_and_goes_on() -> None:
    found = with_(storage_classes=[], classes_are_known=False)
    assert cluster.findings(found, PLAN, STORAGE) == []
    assert "hearth_kubernetes.storage_class is not known" in cluster.notes(found)[0]


def test_pods_say_in_their_own_words_why_they_are_not_ready() -> None:
    pods = [
        {
            "metadata": {"name": "model-chat-a"},
            "status": {
                "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}]
            },
        },
        {
            "metadata": {"name": "model-chat-b"},
            "status": {
                "containerStatuses": [
                    {
                        "ready": False,
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                    }
                ]
            },
        },
        {
            "metadata": {"name": "model-chat-c"},
            "status": {"containerStatuses": [{"ready": True, "state": {"running": {}}}]},
        },
    ]
    assert cluster.pods_say(pods) == [
        "model-chat-a is on no node: 0/2 nodes are available",
        "model-chat-b is not ready: CrashLoopBackOff, after it had ended by OOMKilled (137)",
    ]


def there() -> list[dict[str, Any]]:
    return [copy.deepcopy(one) for stage in PLAN["stages"].values() for one in stage]


def test_what_is_described_stays_and_so_does_what_is_not_ours() -> None:
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "labels": {"app": "other"}}}
    found = leftovers.leftovers([*there(), other], PLAN["names"], percent_max=50)
    assert found == {"objects": [], "findings": []}


def test_a_volume_of_models_and_the_namespace_never_go_as_leftovers() -> None:
    found = leftovers.leftovers(there(), [], percent_max=100)
    assert {one["kind"] for one in found["objects"]} & {"PersistentVolumeClaim", "Namespace"} == set()
    kinds = [one["kind"] for one in found["objects"]]
    assert kinds.index("Ingress") < kinds.index("Deployment") < kinds.index("Service")


def test_more_models_than_was_meant_do_not_go() -> None:
    wanted = [name for name in PLAN["names"] if not name.startswith("Deployment/model-")]
    (finding,) = leftovers.leftovers(there(), wanted, percent_max=50, namespace="hearth")["findings"]
    assert finding.startswith("This would remove all models of the namespace hearth: Deployment/model-chat")
    assert finding.endswith("if it is, write hearth_accept_removals: [models].")
    assert leftovers.leftovers(there(), wanted, percent_max=100)["findings"] == []
