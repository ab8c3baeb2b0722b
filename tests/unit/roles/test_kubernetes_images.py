# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster runs the versions that hosts run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

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


@pytest.mark.parametrize(
    ("tag", "floats"),
    [
        (":3.2.25", False),
        (":3.13.14-slim", False),
        (":v0.32.0", False),
        (":server-b9948", False),
        (":stable-20240101", False),
        (f"@sha256:{'0a' * 32}", False),
        ("", True),
        (":latest", True),
        (":3", True),
        (":3.2", True),
        (":3.13-slim", True),
        (":stable", True),
    ],
)
@pytest.mark.parametrize("name", ["haproxy", "localhost:5000/team/haproxy"])
def test_an_image_that_is_another_one_tomorrow_is_refused(name: str, tag: str, floats: bool) -> None:
    written = yaml.safe_load((ROLES / "kubernetes/vars/main.yml").read_text())["__kubernetes_floating"]
    templar = Templar(DataLoader(), {"kubernetes_images": {"gateway": name + tag}})
    assert list(templar.template(trust_as_template(written))) == ([name + tag] if floats else [])
