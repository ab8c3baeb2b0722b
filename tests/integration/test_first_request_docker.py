# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that come on their first request into a container: llama.cpp's real router, a real HAProxy, and a hub, on a host of the lab."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from integration.conftest import Runner
from integration.first_request import MODEL_BYTES
from integration.first_request_docker import DIRECTORY, ContainerHost, container_host, left_over
from integration.mixed_requests import ask_mixed
from integration.model_play import until

FETCH = ("models", "fetcher", "llama_cpp")
FIRST: dict[str, Any] = {"load": "first_request", "slots": 2}
# One with a name as users know them, which the router has another for.
NAMES = ("org/alpha:mini", *(f"m{number}" for number in range(7)))
MODELS: dict[str, dict[str, Any]] = {"here": {}, **dict.fromkeys(NAMES, FIRST)}
ROOM = {
    # Four beside the one that is always there, and what is written beside them.
    "hearth_disk_budget": f"{(5 * MODEL_BYTES + MODEL_BYTES // 2) // 1000}K",
    "llama_cpp_loaded_models_max": 3,
}
REQUESTS, CLIENTS = 40, 8


@pytest.fixture(scope="module")
def host(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    name = f"first-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
    with container_host(name, tmp_path_factory.mktemp("first"), module_playbook) as described:
        described.publish(*MODELS)
        yield described


def test_a_dry_run_on_a_new_host_says_what_would_come(host: ContainerHost) -> None:
    dry = host.describe(MODELS, "models", "fetcher", options=("--check",), **ROOM)
    assert dry.changed > 0
    assert not host.succeeds(f"test -e {DIRECTORY}")


def test_the_service_is_closed_like_all_others_and_has_no_secret_where_it_can_be_seen(host: ContainerHost) -> None:
    host.describe(MODELS, *FETCH, "certificates", "gateway", **ROOM)
    fetcher = host.container("fetcher")
    assert (fetcher["Config"]["User"], fetcher["HostConfig"]["ReadonlyRootfs"]) == ("99:99", True)
    assert (fetcher["HostConfig"]["CapDrop"], fetcher["HostConfig"]["PortBindings"]) == (["ALL"], {})
    assert (host.directory / "secrets/engine_key").read_text().strip() not in json.dumps(fetcher)
    writable = [mount["Destination"] for mount in fetcher["Mounts"] if mount["RW"]]
    assert sorted(writable) == ["/models", "/run/fetcher"]
    gateway = {mount["Destination"]: mount["RW"] for mount in host.container("gateway")["Mounts"]}
    assert gateway["/var/lib/hearth/run"] is False
    assert host.shell(f"stat -c '%a %u' {DIRECTORY}/run/fetcher/fetcher.sock") == "600 99"


def test_a_model_is_fetched_once_by_those_who_ask_first_and_loaded_by_the_router(host: ContainerHost) -> None:
    alpha = NAMES[0]
    assert host.is_there("here")
    assert host.router()["here"] == "loaded"
    assert not host.is_there(alpha)
    at_once = host.ask("here").seconds
    for asking in [host.asking(alpha) for _number in range(2)]:
        assert asking.answer.said == f"I am {alpha}."
        # It is noticed, loaded by a new process, and that is noticed.
        assert asking.answer.seconds < at_once + 20
    # One fetch each, of which a range that was split on its way may have been sent a little twice.
    assert 2 * MODEL_BYTES <= host.hub.sent("cdn:*") < 3 * MODEL_BYTES
    assert host.state(alpha)["state"] == "ready"
    assert host.describe(MODELS, *FETCH, **ROOM).changed == 0


def test_mixed_requests_are_answered_by_the_right_model_and_nothing_is_left_over(host: ContainerHost) -> None:
    outcome = ask_mixed(host, list(MODELS), requests=REQUESTS, clients=CLIENTS)
    assert (outcome.right, outcome.refused, outcome.wrong) == (REQUESTS, {}, [])
    # Nobody was thrown out in the middle of an answer, and both kinds of room were too small for all.
    assert "models_max limit reached" not in host.log("llama_cpp")
    assert host.log("fetcher").count("is fetched from") > len(NAMES)
    assert left_over(host, loaded=3, disk_bytes=int(5.5 * MODEL_BYTES), always=["here"]) == []


def test_what_somebody_has_taken_away_or_unloaded_comes_again(host: ContainerHost) -> None:
    name = host.marks().pop()
    host.shell(f"rm -r {DIRECTORY}/models/{name} && docker restart hearth-fetcher")
    served = NAMES[0] if name not in MODELS else name
    assert until(lambda: host.ask(served).status == 200, "it is fetched again")
    host.shell("docker restart hearth-llama_cpp")
    assert until(lambda: host.ask(served).status == 200, "the router has it loaded again")


def test_nothing_of_the_service_stays_when_it_is_removed_but_the_models(host: ContainerHost) -> None:
    host.describe(MODELS, "fetcher", fetcher_state="absent")
    assert "hearth-fetcher" not in host.shell("docker ps --all")
    assert not host.succeeds(f"test -e {DIRECTORY}/run/fetcher")
    assert not host.succeeds(f"test -e {DIRECTORY}/services/fetcher")
    assert host.is_there("here")
    assert host.describe(MODELS, "fetcher", fetcher_state="absent").changed == 0
