# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster runs the versions that hosts run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parents[3] / "roles"


def default(role: str, name: str) -> Any:
    return yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())[name]


def test_the_images_of_a_cluster_are_those_of_hosts() -> None:
    images = default("kubernetes", "kubernetes_images")
    assert images["gateway"] == default("gateway", "gateway_image")
    assert images["python"] == default("fetcher", "fetcher_image")
    # On hosts a word for CUDA may be in it.
    of_hosts = default("llama_cpp", "llama_cpp_image")
    assert (of_hosts.partition("{{")[0] + of_hosts.rpartition("}}")[2]) == images["llama_cpp"]
