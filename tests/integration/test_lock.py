# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock, by the playbooks themselves: what it says, what it refuses, and that nobody's file changes by a look."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import ports
from fakes.hub import Hub
from fakes.registry import PASSWORD, USER, Registry, error
from integration.conftest import PROJECT, Outcome, Runner

MADE, LATER = "2026-09-01T12:00:00Z", "2026-11-20T12:00:00Z"
SOURCE = "hf://hearth/mini/mini.gguf"
LONGER = pytest.mark.skipif("HEARTH_TEST_LOCK" not in os.environ, reason="takes minutes: HEARTH_TEST_LOCK=1")


class House:
    """An inventory of a host that is here, and of one that is off. Its images lie in one registry."""

    def __init__(self, directory: Path, playbook: Runner, registry: Registry, hub: Hub) -> None:
        self._playbook, self.registry = playbook, registry
        self.inventory = directory / "inventory"
        self.path = self.inventory / ".hearth.lock.yml"
        self.models = self.inventory / ".models.lock.yml"
        self.hub = hub
        commit = hub.publish("hearth/mini", {"mini.gguf": "the weights"})
        self.models.write_text(yaml.safe_dump({SOURCE: {"revision": commit, "files": []}}))
        for name in ("gateway", "llama", "llama-cuda"):
            registry.push(f"hearth/{name}", "1", created=MADE)
        self.describe()

    def describe(self, **changes: Any) -> None:
        common = {
            "hearth_models": {"mini": {"source": SOURCE}},
            "hearth_hub_endpoint": self.hub.url,
            "hearth_gpu_policy": "none",
            "hearth_private_network": "none",
            "hearth_registries": [{"name": self.registry.host, "user": USER, "password": PASSWORD}],
            "gateway_image": f"{self.registry.host}/hearth/gateway:1",
            "llama_cpp_image": f"{self.registry.host}/hearth/llama:1",
            **changes,
        }
        off = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": ports.free()}
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        every = {"here": {**local, **common}, "off": {**local, **common, **off}}
        groups = {"hearth_gateways": {"hosts": dict.fromkeys(every)}, "hearth_engines": {"hosts": dict.fromkeys(every)}}
        (self.inventory / "hosts.json").write_text(json.dumps({"all": {"hosts": every, "children": groups}}))

    def lock(self, *options: str, succeeds: bool = True) -> Outcome:
        return self._playbook(PROJECT / "playbooks/lock.yml", *options, succeeds=succeeds)

    def check(self, *, succeeds: bool = True) -> Outcome:
        """The first step of site.yml."""
        return self._playbook(PROJECT / "playbooks/check.yml", "-e", "hearth_locked=true", succeeds=succeeds)

    @property
    def locked(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.path.read_text())
        return found


@pytest.fixture
def house(tmp_path: Path, playbook: Runner, hub: Hub) -> Iterator[House]:
    with Registry(closed=True, password=True) as registry:
        yield House(tmp_path, playbook, registry, hub)


def test_a_lock_is_the_same_twice_and_a_look_shows_what_is_newer_and_writes_nothing(house: House) -> None:
    first = house.lock()
    assert first.changed == 1
    assert "off does not answer: nothing is known of its packages yet." in first.words
    before, name = house.path.read_bytes(), f"{house.registry.host}/hearth/gateway:1"
    assert PASSWORD not in first.output + before.decode()
    locked = house.locked
    assert sorted(locked["images"]) == [name, f"{house.registry.host}/hearth/llama:1"]
    assert locked["images"][name]["created"] == MADE
    assert sorted(locked["images"][name]["platforms"]) == ["linux/amd64", "linux/arm64"]
    assert list(locked["models"]) == [SOURCE]
    assert list(locked["hosts"]) == ["here"]

    again = house.lock()
    assert again.changed == 0
    assert "Nothing is newer" in again.words
    assert house.path.read_bytes() == before

    new = house.registry.push("hearth/gateway", "1", created=LATER)
    shown = house.lock("--check", "--diff")
    assert house.path.read_bytes() == before
    row = next(line for line in shown.output.splitlines() if line.strip().startswith("image "))
    assert row.split()[1] == name
    assert row.split()[2] == locked["images"][name]["digest"][7:19]
    assert row.split()[5] == new[7:19]
    assert row.count(" day") == 2
    assert f"+    digest: {new}" in shown.output

    # Another image than the one that was locked, and a host whose packages nobody has looked at.
    house.describe(gateway_image=f"{house.registry.host}/hearth/gateway:2")
    refused = house.check(succeeds=False).words
    assert f"the image {house.registry.host}/hearth/gateway:2 is not in {house.path}" in refused
    assert "has no versions of the packages of off" in refused
    assert "packages of here" not in refused
    assert f"{house.registry.host}/hearth/llama:1 is not" not in refused


@LONGER
def test_what_is_locked_is_used_and_the_rest_is_refused(house: House) -> None:
    assert "there is no lock" in house.check(succeeds=False).words
    dry = house.lock("--check", "--diff")
    assert dry.changed == 1
    assert not house.path.exists()

    house.lock()
    locked = house.locked
    locked["hosts"]["off"] = {"packages": {"docker.io": "26.1.5"}}
    house.path.write_text(yaml.safe_dump(locked))
    house.check()
    # What is known of a host that is off stays, and of one that is left out.
    assert "off does not answer: what is known of its packages stays as it was." in house.lock().words
    assert house.locked["hosts"]["off"] == {"packages": {"docker.io": "26.1.5"}}
    assert (
        "off is not in this run: what is known of its packages stays as it was." in house.lock("--limit", "here").words
    )
    assert house.locked["hosts"]["off"] == {"packages": {"docker.io": "26.1.5"}}

    house.models.write_text(yaml.safe_dump({SOURCE: {"revision": "0" * 40, "files": []}}))
    assert f"what {house.models} says of {SOURCE} is not what was locked" in house.check(succeeds=False).words


@LONGER
def test_a_newer_commit_is_shown_and_is_nobodys_to_take_but_the_users(house: House) -> None:
    house.lock()
    before = house.locked
    house.hub.publish("hearth/mini", {"mini.gguf": "better weights"})
    shown = house.lock("--check", "--diff")
    assert any(line.split()[:2] == ["model", SOURCE] for line in shown.output.splitlines())
    house.lock()
    assert house.locked == before


@LONGER
def test_what_cannot_be_asked_is_told_at_once_and_the_file_stays(house: House) -> None:
    house.lock()
    before = house.path.read_bytes()
    house.registry.instead["hearth/gateway/manifests/1"] = (404, {}, error("MANIFEST_UNKNOWN", "manifest unknown"))
    house.registry.instead["hearth/llama/manifests/1"] = (403, {}, error("DENIED", "denied"))
    house.models.write_text("")
    said = house.lock(succeeds=False).words
    assert "hearth/gateway has no tag 1 there" in said
    assert "does not let" in said
    assert f"{SOURCE} is not in {house.models}" in said
    assert house.path.read_bytes() == before
