# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects are called and how they are found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]
# Who applies, as the server notes it beside each field.
MANAGER = "hearth"
MANAGED = "app.kubernetes.io/managed-by"
COMPONENT = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
OURS = f"{MANAGED}={MANAGER}"


def fingerprint(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def labels(component: str, instance: str = "") -> dict[str, str]:
    return {
        "app.kubernetes.io/part-of": "hearth",
        MANAGED: MANAGER,
        COMPONENT: component,
        **({INSTANCE: instance} if instance else {}),
    }


def selector(component: str, instance: str = "") -> dict[str, str]:
    """What never changes of the labels: a Deployment keeps its selector for ever."""
    return {COMPONENT: component, **({INSTANCE: instance} if instance else {})}


def manifest(api: str, kind: str, name: str, namespace: str, told: Mapping[str, str], **content: Any) -> Manifest:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {}), "labels": dict(told)},
        **content,
    }
