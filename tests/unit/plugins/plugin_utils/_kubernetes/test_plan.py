# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A changed description changes what it must, and nothing else."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.plan import kubernetes_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.secrets import secret as secret_of
from unit.plugins.plugin_utils._kubernetes.described import GIVEN, given

MODELS = GIVEN["models"]
BEFORE = kubernetes_plan(GIVEN)


def by_name(plan: dict[str, Any]) -> dict[str, Any]:
    return {f"{one['kind']}/{one['metadata']['name']}": one for stage in plan["stages"].values() for one in stage}


def differing(plan: dict[str, Any]) -> set[str]:
    before, after = by_name(BEFORE), by_name(plan)
    return {
        name.partition("/")[0] if "/fetch-" in name else name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }


def with_chat(**changes: Any) -> dict[str, Any]:
    return given(models={**MODELS, "chat": {**MODELS["chat"], **changes}})


def test_the_same_description_is_the_same_to_the_last_byte() -> None:
    assert json.dumps(kubernetes_plan(given())) == json.dumps(BEFORE)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (with_chat(context_tokens=8192), {"Deployment/model-chat"}),
        (with_chat(pod={"cpus": 8, "memory": "20GiB"}), {"Deployment/model-chat"}),
        (with_chat(instances={"min": 2, "max": 4}), {"HorizontalPodAutoscaler/model-chat"}),
        (with_chat(max_output_tokens=512), {"Deployment/model-chat"}),
        (with_chat(aliases=["gpt-4o"]), set()),
        (given(fingerprints={"chat": "cc"}), {"Deployment/model-chat"}),
        # What is to be fetched otherwise is another Job, and the bytes decide whether its pods are others.
        (with_chat(source="hf://owner/repository/other.gguf"), {"Job", "ConfigMap"}),
        (given(files_secret="gateway-ba9876543210"), {"Deployment/gateway"}),
        (given(gateway={"port": 8443}), {"Service/gateway", "Ingress/gateway"}),
        (given(storage={"size": "200G"}), {"PersistentVolumeClaim/models"}),
        (
            given(images={"gateway": "docker.io/library/haproxy:3.2.26"}),
            {"Deployment/gateway"},
        ),
    ],
)
def test_a_change_is_one_of_what_it_is_about(changed: dict[str, Any], what: set[str]) -> None:
    assert differing(kubernetes_plan(changed)) == what


def test_a_model_that_is_not_described_any_more_is_not_made() -> None:
    after = kubernetes_plan(given(models={"chat": MODELS["chat"]}))
    gone = set(BEFORE["names"]) - set(after["names"])
    assert {name.partition("/")[0] for name in gone} == {"ConfigMap", "Deployment", "Job", "Service"}


def test_a_model_of_an_engine_that_is_not_for_clusters_is_left_to_its_finding() -> None:
    assert "Deployment/model-chat" not in kubernetes_plan(with_chat(engine="vllm"))["names"]


def test_files_of_the_gateway_are_called_by_what_is_in_them() -> None:
    files = [{"path": "haproxy.cfg", "content": "global\n"}, {"path": "gateway.pem", "secret_content": "secret"}]
    secret = secret_of(files, "gateway", "hearth")
    assert secret["immutable"] is True
    assert base64.b64decode(secret["data"]["gateway.pem"]) == b"secret"
    assert secret["metadata"]["name"] == secret_of(list(reversed(files)), "gateway", "hearth")["metadata"]["name"]
    files[1] = {"path": "gateway.pem", "secret_content": "another"}
    assert secret["metadata"]["name"] != secret_of(files, "gateway", "hearth")["metadata"]["name"]


def test_the_job_carries_a_program_that_runs_by_itself_and_says_what_is_wrong(tmp_path: Path) -> None:
    """As in its container: one archive, and nothing else of ours."""
    (config,) = [one for one in BEFORE["stages"]["fetch"] if one["kind"] == "ConfigMap"]
    archive = base64.b64decode(config["binaryData"]["program.zip"])
    assert len(archive) < 700_000, "a ConfigMap has at most 1 MiB"
    assert zipfile.ZipFile(io.BytesIO(archive)).testzip() is None
    (tmp_path / "program.zip").write_bytes(archive)
    told = json.loads(config["data"]["models.json"])
    told["models"][0]["source"] = "ftp://no.such/thing"
    (tmp_path / "models.json").write_text(json.dumps({**told, "directory": str(tmp_path / "models")}))
    (job,) = [one for one in BEFORE["stages"]["fetch"] if one["kind"] == "Job"]
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    ended = subprocess.run(
        [sys.executable, *command[1:3], str(tmp_path / "models.json")],
        env={"PYTHONPATH": str(tmp_path / "program.zip"), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "ftp://no.such/thing" in ended.stdout
