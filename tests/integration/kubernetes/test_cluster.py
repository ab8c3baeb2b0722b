# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an empty cluster to an answered prompt with one command, and what becomes of it then. It is run by HEARTH_TEST_KUBERNETES=1."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
from typing import Any

import pytest
from integration.kubernetes.conftest import House, free_port, kubeconfig

pytestmark = pytest.mark.skipif("HEARTH_TEST_KUBERNETES" not in os.environ, reason="set HEARTH_TEST_KUBERNETES=1")


def ask(house: House, key: str, question: str) -> Any:
    """As a client does: by the name of the certificate, trusting the private CA."""
    assert house.node.gateway
    trust = ssl.create_default_context(cafile=str(house.home / "inventory/.secrets/tls/ca.pem"))
    connection = http.client.HTTPSConnection("localhost", house.node.gateway[1], context=trust, timeout=60)
    body = {
        "model": "hearth-mini",
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 40,
        "temperature": 0,
    }
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def key_of(house: House, name: str = "office") -> str:
    return (house.home / f"inventory/.secrets/api_keys/{name}").read_text().strip()


def test_a_cluster_that_cannot_be_asked_is_told_in_words_and_nothing_is_changed(house: House) -> None:
    gone = kubeconfig(house.home / "gone", f"http://127.0.0.1:{free_port()}")
    outcome = house(
        "deploy_cluster", "--check", succeeds=False, hearth_kubernetes={"kubeconfig": str(gone), "storage": "10G"}
    )
    assert "cannot be asked" in outcome.words
    assert "Correct hearth_kubernetes.kubeconfig and hearth_kubernetes.context" in outcome.words
    assert outcome.changed == 0


def test_a_dry_run_without_the_namespace_says_what_would_be_applied(house: House) -> None:
    outcome = house("deploy_cluster", "--check", "--diff")
    assert "It would be given ConfigMap/fetch-" in outcome.words
    assert "Deployment/model-hearth-mini" in outcome.words
    assert house.cluster.names("Namespace") == set()
    assert [request for request in house.cluster.requests if not request.startswith("GET")] == []


def test_one_command_leads_from_nothing_to_an_answered_prompt(house: House) -> None:
    outcome = house("deploy_cluster", "--diff")
    assert (house.node.volume / "hearth-mini/hearth-mini.gguf").stat().st_size > 0, house.node.logs
    status, answer = ask(house, key_of(house), "Count from 1 to 10.")
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")
    assert ask(house, "sk-hearth-wrong-key-0123456789", "Hello")[0] == 401
    assert [text for text in house.secrets() if text in outcome.output] == []


def test_a_second_run_changes_nothing_and_fetches_nothing(house: House) -> None:
    house.hub.forget()
    before = {place: one["metadata"]["resourceVersion"] for place, one in house.cluster.objects.items()}
    assert house("deploy_cluster").changed == 0
    assert house("deploy_cluster", "--check").changed == 0
    assert {place: one["metadata"]["resourceVersion"] for place, one in house.cluster.objects.items()} == before
    assert house.hub.sent("cdn:*") == 0


def test_another_controller_is_refused_before_it_makes_a_ca_and_keys_of_its_own(house: House) -> None:
    elsewhere = house.home / "another_controller"
    refused = house("deploy_cluster", succeeds=False, hearth_secrets_directory=str(elsewhere))
    assert "was deployed with other secrets than this controller has" in refused.words
    assert "clients trust the CA with the SHA-256 fingerprint" in refused.words
    assert "the gateway takes keys that are unknown here, of office" in refused.words
    assert refused.changed == 0
    assert not elsewhere.exists()
    for part in ("certificates_configure", "kubernetes_run"):
        refused = house("deploy_cluster", f"--tags={part}", succeeds=False, hearth_secrets_directory=str(elsewhere))
        assert "was deployed with other secrets than this controller has" in refused.words
        assert not elsewhere.exists()


def test_what_somebody_else_has_written_is_said_and_not_overwritten(house: House) -> None:
    """As kubectl scale or an administrator with an editor does."""
    place = ("Service", "hearth", "gateway")
    given = {"apiVersion": "v1", "kind": "Service", "spec": {"type": "NodePort"}}
    house.cluster.apply(place, given, "kubectl", force=True, dry=False)
    outcome = house("deploy_cluster", succeeds=False)
    assert "somebody else has written what is described here" in outcome.words
    assert 'conflict with "kubectl": .spec.type' in outcome.words.replace("\\", "")
    assert house.cluster.found("Service", "gateway")["spec"]["type"] == "NodePort"
    house.cluster.owners[place].pop("kubectl")
    assert house("deploy_cluster").changed > 0
    assert house.cluster.found("Service", "gateway")["spec"]["type"] == "ClusterIP"


def test_removal_leaves_the_models_and_purging_leaves_nothing_but_takes_nothing_of_others(house: House) -> None:
    house("remove")
    assert {place[0] for place in house.cluster.objects if place[1] == "hearth"} == {"PersistentVolumeClaim"}
    assert house("remove").changed == 0
    text = base64.b64encode(b"theirs").decode()
    house.cluster.put(
        "v1", {"kind": "Secret", "metadata": {"name": "theirs", "namespace": "hearth"}, "data": {"text": text}}
    )
    refused = house("remove", succeeds=False, hearth_purge=True)
    assert "Secret theirs" in refused.words
    assert ("PersistentVolumeClaim", "hearth", "models") in house.cluster.objects
    del house.cluster.objects["Secret", "hearth", "theirs"]
    house("remove", hearth_purge=True)
    assert {place for place in house.cluster.objects if place[1] == "hearth"} == set()
    assert "hearth" not in house.cluster.names("Namespace")
