# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where models lie in a cluster, and the Job that brings them there: the program of the role fetcher's kind, with what it is told."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import (
    Manifest,
    fingerprint,
    labels,
    manifest,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.pods import VOLUME, container, placed, pod
from ansible_collections.hearth.llm.plugins.plugin_utils._program import program_files

COMPONENT = "fetch"
USER = 10001
CLAIM = "models"
MOUNTED = "/models"
# Whoever has the volume. One that only one node can have keeps all of these together.
READER = VOLUME
_TOLD = "/etc/hearth"
_TOKEN = "/run/hearth"
_PROGRAM = "ansible_collections.hearth.llm.plugins.module_utils._cluster_fetch.program"


def claim(namespace: str, *, size: int, storage_class: str, access: str) -> Manifest:
    return manifest(
        "v1",
        "PersistentVolumeClaim",
        CLAIM,
        namespace,
        labels("models"),
        spec={
            "accessModes": [access],
            "volumeMode": "Filesystem",
            **({"storageClassName": storage_class} if storage_class else {}),
            "resources": {"requests": {"storage": str(size)}},
        },
    )


def program() -> str:
    """The program and all that it imports, as one archive that Python runs. The same files are the same bytes."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in sorted(program_files("_cluster_fetch").items()):
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return base64.b64encode(kept.getvalue()).decode()


def job_name(told: str, archive: str, image: str) -> str:
    """A Job is never changed: what is to be fetched otherwise is another one."""
    return f"fetch-{fingerprint([told, archive, image])}"


def job(
    told: str,
    namespace: str,
    *,
    image: str,
    token: str,
    deadline_seconds: int,
    nodes: Mapping[str, str],
    spot: bool,
    on_one_node: bool,
) -> Iterator[Manifest]:
    archive = program()
    called = job_name(told, archive, image)
    mine = labels(COMPONENT, called)
    yield manifest(
        "v1",
        "ConfigMap",
        called,
        namespace,
        mine,
        immutable=True,
        data={"models.json": told},
        binaryData={"program.zip": archive},
    )
    secret: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = [
        {"name": "models", "mountPath": MOUNTED},
        {"name": "told", "mountPath": _TOLD, "readOnly": True},
    ]
    if token:
        secret = [{"name": "token", "secret": {"secretName": token, "defaultMode": 0o440}}]
        mounts.append({"name": "token", "mountPath": _TOKEN, "readOnly": True})
    its = container(
        "fetch",
        image,
        user=USER,
        cpu="1",
        memory="1Gi",
        command=["python3", "-m", _PROGRAM, f"{_TOLD}/models.json"],
        environment={"PYTHONPATH": f"{_TOLD}/program.zip", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        mounts=mounts,
    )
    yield manifest(
        "batch/v1",
        "Job",
        called,
        namespace,
        mine,
        spec={
            "backoffLimit": 4,
            "activeDeadlineSeconds": deadline_seconds,
            "template": pod(
                {**mine, **READER},
                its,
                volumes=[
                    {"name": "models", "persistentVolumeClaim": {"claimName": CLAIM}},
                    {"name": "told", "configMap": {"name": called}},
                    *secret,
                ],
                placed=placed(COMPONENT, called, spot=spot, nodes=nodes, on_one_node=on_one_node),
                restart="Never",
            ),
        },
    )


def token_path(token: str) -> str:
    return f"{_TOKEN}/token" if token else ""
