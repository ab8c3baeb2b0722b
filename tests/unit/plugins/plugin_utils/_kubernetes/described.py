# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role hands to the plan, for a cluster with two models."""

from __future__ import annotations

import copy
from typing import Any

IMAGES = {
    "llama_cpp": "ghcr.io/ggml-org/llama.cpp:server-b11176",
    "gateway": "docker.io/library/haproxy:3.2.25",
    "python": "docker.io/library/python:3.13.14-slim",
}
GIVEN: dict[str, Any] = {
    "namespace": "hearth",
    "models": {
        "chat": {
            "source": "hf://owner/repository/chat.gguf",
            "slots": 4,
            "instances": {"min": 2, "max": 3},
            "pod": {"cpus": 8, "memory": "16GiB"},
        },
        "Own/Small:Q4": {"source": "hf://owner/small/small.gguf", "pod": {"cpus": 4, "memory": "8GiB"}},
    },
    "paths": {"chat": "/models/chat/chat.gguf", "Own/Small:Q4": "/models/Own-Small-Q4-123456/small.gguf"},
    "fingerprints": {"chat": "aa", "Own/Small:Q4": "bb"},
    "contexts": {},
    "options": {},
    "images": IMAGES,
    "lock": {"hf://owner/repository/chat.gguf": {"files": []}},
    "endpoint": "",
    "storage": {"size": "100G", "class": "premium-rwo", "access": "ReadWriteMany"},
    "nodes": {},
    "key_secret": "engine-key-0123456789ab",
    "token_secret": "",
    "files_secret": "gateway-0123456789ab",
    "start_timeout_seconds": 600,
    "fetch_timeout_seconds": 7200,
    "removal_percent_max": 50,
    "gateway": {
        "replicas": 1,
        "memory": "1Gi",
        "longest_seconds": 3600,
        "port": 443,
        "domain": "llm.example.com",
        "exposure": "ingress",
        "ingress_class": "nginx",
        "annotations": {"nginx.ingress.kubernetes.io/ssl-passthrough": "true"},
        "sources": [],
        "node_port": 0,
    },
}


def given(**changes: Any) -> dict[str, Any]:
    """The same with other values; of dictionaries only what is named."""
    made = copy.deepcopy(GIVEN)
    for name, value in changes.items():
        made[name] = {**made[name], **value} if isinstance(value, dict) and name != "models" else value
    return made
