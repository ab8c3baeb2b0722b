# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.modules.service_containers import compare, remember


class Docker:
    """Containers and images by name, as Docker tells them."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.images = {"engine:1": "sha256:one"}
        self.asked: list[Sequence[str]] = []

    def add(self, name: str) -> None:
        self.containers[name] = {
            "Id": f"id of {name}",
            "Name": f"/{name}",
            "Image": "sha256:one",
            "State": {"Status": "running", "Pid": 1},
            "Config": {"Cmd": ["serve"], "Labels": {}},
            "HostConfig": {"Memory": 0},
            "Mounts": [{"Destination": "/models"}, {"Destination": "/etc/hearth"}],
            "NetworkSettings": {"Networks": {"hearth": {"Aliases": [name], "IPAddress": "172.18.0.2"}}},
        }

    def __call__(self, command: Sequence[str]) -> str:
        self.asked.append(command)
        _docker, kind, _inspect, *names = command
        if kind == "image":
            return json.dumps([{"Id": self.images[name]} for name in names if name in self.images])
        return json.dumps([self.containers[name] for name in names if name in self.containers])


def services(*names: str, **container: Any) -> list[dict[str, Any]]:
    return [{"name": name, "container": {"name": f"hearth-{name}", "image": "engine:1", **container}} for name in names]


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """Two containers that were left as they are."""
    running = Docker()
    for name in ("a", "b"):
        running.add(f"hearth-{name}")
        (tmp_path / name).mkdir()
    remember(str(tmp_path), services("a", "b"), running)
    running.asked.clear()
    return running


def test_what_was_left_as_it_is_does_not_differ_and_that_is_two_questions_for_all(
    tmp_path: Path, docker: Docker
) -> None:
    assert compare(str(tmp_path), services("a", "b"), docker) == []
    assert [command[1] for command in docker.asked] == ["container", "image"]


def test_its_process_its_address_and_the_order_of_its_mounts_say_nothing(tmp_path: Path, docker: Docker) -> None:
    found = docker.containers["hearth-a"]
    found["State"]["Pid"] = 2
    found["NetworkSettings"]["Networks"]["hearth"]["IPAddress"] = "172.18.0.9"
    found["Mounts"].reverse()
    assert compare(str(tmp_path), services("a", "b"), docker) == []


@pytest.mark.parametrize(
    "change",
    [
        {"State": {"Status": "exited"}},
        {"State": {"Status": "paused"}},
        {"HostConfig": {"Memory": 1}},
        {"Config": {"Cmd": ["serve", "--more"]}},
        {"Id": "made anew by hand"},
        {"Mounts": [{"Destination": "/models"}]},
        {"NetworkSettings": {"Networks": {}}},
    ],
    ids=str,
)
def test_whatever_was_changed_by_hand_is_a_difference(tmp_path: Path, docker: Docker, change: dict[str, Any]) -> None:
    docker.containers["hearth-b"].update(copy.deepcopy(change))
    assert compare(str(tmp_path), services("a", "b"), docker) == ["b"]


def test_another_description_another_image_and_no_container_are_differences(tmp_path: Path, docker: Docker) -> None:
    assert compare(str(tmp_path), [*services("a", command=["more"]), *services("b", "c")], docker) == ["a", "c"]
    docker.images["engine:1"] = "sha256:pulled again"
    assert compare(str(tmp_path), services("a", "b"), docker) == ["a", "b"]
    docker.images.clear()
    assert compare(str(tmp_path), services("a", "b"), docker) == ["a", "b"]


def test_a_container_that_does_not_run_is_not_remembered(tmp_path: Path, docker: Docker) -> None:
    docker.containers["hearth-a"]["State"]["Status"] = "restarting"
    remember(str(tmp_path), services("a"), docker)
    docker.containers["hearth-a"]["State"]["Status"] = "running"
    assert compare(str(tmp_path), services("a"), docker) == []
    assert (tmp_path / "a/container").stat().st_mode & 0o777 == 0o600


def test_an_answer_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(HearthError, match="Docker does not say what its containers are like, but: what\\?"):
        compare(str(tmp_path), services("a"), lambda _command: "what?")
