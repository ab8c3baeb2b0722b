# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every object that is made, against the schemas of Kubernetes, in which no field is unknown. It is run by HEARTH_TEST_KUBERNETES=1."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.plan import kubernetes_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.secrets import secret
from integration import locked
from unit.plugins.plugin_utils._kubernetes.described import given

pytestmark = pytest.mark.skipif("HEARTH_TEST_KUBERNETES" not in os.environ, reason="set HEARTH_TEST_KUBERNETES=1")

LOCK = Path(__file__).with_name("kubernetes.txt")
JUDGE = """
import json, sys, kubernetes_validate as judge
for one in json.load(sys.stdin):
    try:
        judge.validate(one, judge.latest_version(), strict=True)
    except judge.ValidationError as error:
        print(one["kind"], one["metadata"]["name"], ".".join(map(str, error.path)), error.message)
"""
SPOT = {"chat": {"source": "hf://a/b/c.gguf", "pod": {"cpus": 2, "memory": "4G", "spot": True, "surge": False}}}


def judged(objects: list[dict[str, Any]]) -> str:
    command = [str(locked.python(LOCK)), "-c", JUDGE]
    return subprocess.run(command, input=json.dumps(objects), capture_output=True, text=True, check=True).stdout


def objects(**changes: Any) -> list[dict[str, Any]]:
    return [one for stage in kubernetes_plan(given(**changes))["stages"].values() for one in stage]


def test_every_object_is_one_of_kubernetes_and_has_no_field_that_it_does_not_know() -> None:
    made = [
        *(
            one
            for kind in ("cluster", "load_balancer", "node_port", "ingress")
            for one in objects(gateway={"exposure": kind})
        ),
        *objects(models=SPOT, storage={"access": "ReadWriteOnce"}, token_secret="hub-token-0123456789ab"),
        *objects(
            gateway={"exposure": "load_balancer", "sources": ["10.0.0.0/8"], "replicas": 2}, nodes={"pool": "large"}
        ),
        secret([{"path": "key", "secret_content": "text"}], "engine-key", "hearth"),
    ]
    assert judged(made) == ""


def test_the_judge_knows_a_field_that_is_misspelled() -> None:
    wrong = copy.deepcopy(next(one for one in objects() if one["kind"] == "Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["resorces_of"] = {}
    assert "resorces_of" in judged([wrong])
