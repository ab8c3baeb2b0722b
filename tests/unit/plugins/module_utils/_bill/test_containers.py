# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and the builds of engines, by what Docker answers: the fields of its API (/containers/json, /images/ID/json) that are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._bill import containers
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

DIGEST = "sha256:" + "d" * 64
ANSWERS: dict[str, Any] = {
    "/containers/json?all=true": [
        {"Names": ["/hearth-llama_cpp"], "Image": "ghcr.io/ggml-org/llama.cpp:server-b11176", "ImageID": "sha256:aa", "State": "running"},
        {"Names": ["/hearth-llama_cpp-2"], "Image": "sha256:aa", "ImageID": "sha256:aa", "State": "running"},
        {"Names": ["/hearth-vllm-chat"], "Image": "own:1", "ImageID": "sha256:bb", "State": "exited"},
        {"Names": ["/somebody-else"], "Image": "x:1", "ImageID": "sha256:cc", "State": "running"},
    ],
    "/images/sha256:aa/json": {
        "RepoTags": ["ghcr.io/ggml-org/llama.cpp:server-b11176"],
        "RepoDigests": [f"ghcr.io/ggml-org/llama.cpp@{DIGEST}"],
        "Config": {"Labels": {"org.opencontainers.image.revision": "abc"}, "Env": ["TOKEN=secret"]},
    },
    "/images/sha256:bb/json": {"RepoTags": ["own:1"], "RepoDigests": [], "Config": {"Labels": None}},
}  # fmt: skip


def run(words: Sequence[str]) -> str:
    """llama-server's own words, behind those that its library for GPUs says first."""
    assert words[:3] == ["docker", "exec", "hearth-llama_cpp"]
    return "ggml_cuda_init: found 1 CUDA devices:\nversion: 11176 (0a1b2c3)\nbuilt with GNU 13.3.0 for Linux x86_64\n"


def test_images_have_digests_services_and_the_builds_of_their_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "ask_docker", lambda _host, question: ANSWERS[question])
    llama, own = containers.images(Host(), run)
    assert (llama["reference"], llama["digests"], llama["services"]) == (
        "ghcr.io/ggml-org/llama.cpp:server-b11176",
        [DIGEST],
        ["llama_cpp", "llama_cpp-2"],
    )
    assert (llama["engine"], llama["build"], llama["revision"]) == ("llama.cpp", "11176 (0a1b2c3)", "abc")
    # One that does not run is asked nothing.
    assert (own["reference"], own["digests"], own["build"]) == ("own:1", [], "")
    assert "secret" not in str([llama, own])


def test_a_host_without_docker_has_no_images(tmp_path: Path) -> None:
    assert containers.images(Host(str(tmp_path)), run) == []
