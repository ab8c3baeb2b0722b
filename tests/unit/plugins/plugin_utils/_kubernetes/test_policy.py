# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads every rule back from what is made: how pods are closed, who may talk with whom, and that names, ports and labels meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.gateway_models import gateway_models
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.plan import kubernetes_plan
from unit.plugins.plugin_utils._kubernetes.described import GIVEN, given

Manifest = dict[str, Any]
EXPOSURES = ("cluster", "load_balancer", "node_port", "ingress")
PLANS = {
    **{exposure: kubernetes_plan(given(gateway={"exposure": exposure, "replicas": 2})) for exposure in EXPOSURES},
    "token": kubernetes_plan(given(token_secret="hub-token-0123456789ab")),
    "one node": kubernetes_plan(given(storage={"access": "ReadWriteOnce"})),
}


def objects(plan: dict[str, Any], *kinds: str) -> list[Manifest]:
    return [one for stage in plan["stages"].values() for one in stage if not kinds or one["kind"] in kinds]


def _templates() -> Iterator[Any]:
    for name, plan in PLANS.items():
        for one in objects(plan, "Deployment", "Job"):
            yield pytest.param(one["spec"]["template"], id=f"{name}: {one['kind']} {one['metadata']['name']}")


TEMPLATES = list(_templates())


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_pod_is_closed(template: Manifest) -> None:
    spec = template["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert (spec["hostNetwork"], spec["hostPID"], spec["hostIPC"]) == (False, False, False)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= allowed
    assert all("sizeLimit" in volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume)
    # Of a secret nobody but the pod's own group reads a file, and nobody writes one.
    assert all(volume["secret"]["defaultMode"] == 0o440 for volume in spec["volumes"] if "secret" in volume)
    for container in spec["containers"]:
        closed = container["securityContext"]
        assert closed["readOnlyRootFilesystem"] is True
        assert closed["allowPrivilegeEscalation"] is False
        assert closed["privileged"] is False
        assert closed["runAsNonRoot"] is True
        assert closed["capabilities"] == {"drop": ["ALL"]}
        assert closed["seccompProfile"] == {"type": "RuntimeDefault"}
        resources = container["resources"]
        assert resources["requests"] == resources["limits"]
        assert set(resources["limits"]) == {"cpu", "memory"}
        assert not any("valueFrom" in variable for variable in container.get("env", ()))


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_image_floats(template: Manifest) -> None:
    for container in template["spec"]["containers"]:
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        assert "@sha256:" in container["image"] or any(letter.isdigit() for letter in tag)
        assert "latest" not in container["image"]
        assert container["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_server_is_asked_whether_it_has_started_is_ready_and_lives(plan: dict[str, Any]) -> None:
    for one in objects(plan, "Deployment"):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["path"] == "/health"
        start = container["startupProbe"]
        assert start["periodSeconds"] * start["failureThreshold"] >= 60
        # The Deployment does not give up before its pods do.
        assert one["spec"]["progressDeadlineSeconds"] > start["periodSeconds"] * start["failureThreshold"]


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_what_refers_to_another_object_finds_it(plan: dict[str, Any]) -> None:
    """The names, ports and labels of one file that another file had otherwise."""
    pods = {one["metadata"]["name"]: one["spec"]["template"] for one in objects(plan, "Deployment")}
    for one in objects(plan, "Deployment"):
        assert one["spec"]["selector"]["matchLabels"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
    for service in objects(plan, "Service"):
        met = [pod for pod in pods.values() if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()]
        assert met == [pods[service["metadata"]["name"]]], (
            "a Service leads to the pods of its own Deployment, and no others"
        )
        open_ports = {port["containerPort"] for port in met[0]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= open_ports
    for budget in objects(plan, "PodDisruptionBudget"):
        chosen = budget["spec"]["selector"]["matchLabels"]
        assert [name for name, pod in pods.items() if chosen.items() <= pod["metadata"]["labels"].items()] == [
            budget["metadata"]["name"]
        ]
    for scaler in objects(plan, "HorizontalPodAutoscaler"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in pods
    for ingress in objects(plan, "Ingress"):
        asked = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        services = {one["metadata"]["name"]: one for one in objects(plan, "Service")}
        assert asked["port"]["number"] in [port["port"] for port in services[asked["name"]]["spec"]["ports"]]
    claims = {one["metadata"]["name"] for one in objects(plan, "PersistentVolumeClaim")}
    configs = {one["metadata"]["name"] for one in objects(plan, "ConfigMap")}
    for one in objects(plan, "Deployment", "Job"):
        volumes = one["spec"]["template"]["spec"]["volumes"]
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in volumes}
        assert {
            volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume
        } <= claims
        assert {volume["configMap"]["name"] for volume in volumes if "configMap" in volume} <= configs


def test_the_gateway_asks_engines_by_the_names_and_ports_of_their_services() -> None:
    services = {one["metadata"]["name"]: one for one in objects(PLANS["ingress"], "Service")}
    for model in gateway_models(GIVEN["models"], "kubernetes", "/var/lib/hearth").values():
        (address,) = model["addresses"]
        name, _, port = address.partition(":")
        assert int(port) in [one["port"] for one in services[name]["spec"]["ports"]]


def test_the_gateway_lets_as_many_requests_through_as_all_pods_have_slots() -> None:
    models = gateway_models(GIVEN["models"], "kubernetes", "/var/lib/hearth")
    assert {name: model["slots"] for name, model in models.items()} == {"chat": 12, "Own/Small:Q4": 1}


def test_the_namespace_takes_restricted_pods_alone() -> None:
    (namespace,) = objects(PLANS["ingress"], "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_nobody_talks_with_anybody_but_for_what_is_named() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects(PLANS["ingress"], "NetworkPolicy")}
    assert policies.pop("default-deny") == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [],
    }
    component = "app.kubernetes.io/component"
    chosen = {name: spec["podSelector"]["matchLabels"] for name, spec in policies.items()}
    assert chosen == {
        "gateway": {component: "gateway"},
        "engines": {component: "engine"},
        "fetch": {component: "fetch"},
    }
    assert policies["engines"]["egress"] == [], "an engine calls nobody"
    (asked,) = policies["engines"]["ingress"]
    assert asked["from"] == [{"podSelector": {"matchLabels": {component: "gateway"}}}]
    assert policies["gateway"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8443}]}]
    assert policies["fetch"]["ingress"] == []


def test_only_who_says_so_is_on_a_node_that_may_be_taken_back() -> None:
    plan = kubernetes_plan(
        given(models={"chat": {"source": "hf://a/b/c.gguf", "pod": {"cpus": 2, "memory": "4G", "spot": True}}})
    )
    chat, gateway = (one["spec"]["template"]["spec"] for one in objects(plan, "Deployment"))
    assert {one["key"] for one in chat["tolerations"]} >= {"cloud.google.com/gke-spot"}
    assert "tolerations" not in gateway
    terms = gateway["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {one["operator"] for one in terms[0]["matchExpressions"]} == {"NotIn"}


def test_those_who_share_a_volume_of_one_node_are_together_and_others_apart() -> None:
    for one in objects(PLANS["one node"], "Deployment", "Job"):
        spec = one["spec"]["template"]["spec"]
        has_volume = any("persistentVolumeClaim" in volume for volume in spec["volumes"])
        assert ("podAffinity" in spec["affinity"]) is has_volume
        if has_volume:
            (term,) = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            assert term["labelSelector"]["matchLabels"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
    apart = next(one for one in objects(PLANS["ingress"], "Deployment") if one["metadata"]["name"] == "model-chat")
    (spread,) = apart["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= apart["spec"]["template"]["metadata"]["labels"].items()


def test_several_pods_are_kept_and_one_keeps_no_node_from_being_drained() -> None:
    plan = PLANS["cluster"]
    assert {one["metadata"]["name"] for one in objects(plan, "PodDisruptionBudget")} == {"model-chat", "gateway"}
    assert {one["metadata"]["name"] for one in objects(plan, "HorizontalPodAutoscaler")} == {"model-chat"}
    replicas = {one["metadata"]["name"]: one["spec"].get("replicas") for one in objects(plan, "Deployment")}
    small = next(name for name in replicas if name.startswith("model-own-small-q4-"))
    # Where an autoscaler decides nobody else does.
    assert replicas == {"model-chat": None, small: 1, "gateway": 2}


def test_a_pod_computes_with_as_many_threads_as_it_may_use() -> None:
    chat = next(one for one in objects(PLANS["cluster"], "Deployment") if one["metadata"]["name"] == "model-chat")
    words = chat["spec"]["template"]["spec"]["containers"][0]["args"]
    assert words[words.index("--threads") + 1] == "8"
    assert words[words.index("--api-key-file") + 1] == "/run/hearth/key"
