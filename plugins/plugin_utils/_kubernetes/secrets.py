# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of a cluster, each called by what is in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._deployed_secrets import of_gateway
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import (
    Manifest,
    fingerprint,
    labels,
    manifest,
)


def secret(files: Sequence[Mapping[str, Any]], component: str, namespace: str) -> Manifest:
    """All files at once, immutable: another content is another Secret, and an old pod keeps its own."""
    content = {
        str(file["path"]): base64.b64encode(str(file.get("content", file.get("secret_content", ""))).encode()).decode()
        for file in files
    }
    name = f"{component}-{fingerprint(content)}"
    return manifest("v1", "Secret", name, namespace, labels(component), type="Opaque", immutable=True, data=content)


def deployed_with(data: Mapping[str, str]) -> dict[str, Any]:
    """Which secrets the gateway has whose files these are, as public texts and hashes."""

    def text(name: str) -> str:
        return base64.b64decode(data.get(name, "")).decode(errors="replace")

    return of_gateway(text) if data else {}
