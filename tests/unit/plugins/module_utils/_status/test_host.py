# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service is up, in the words of what runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._status import host as on

MakeHost = Callable[..., Host]
HEARTH = "/var/lib/hearth"
STARTED = "2026-11-29T08:15:42.123456789Z"
RUNNING = {"Status": "running", "StartedAt": STARTED}


def with_gateway(make_host: MakeHost) -> Host:
    host = make_host(**{f"{HEARTH}/services/gateway/generations/1/definition.json": "{}"})
    Path(host.path(f"{HEARTH}/services/gateway/current")).symlink_to("generations/1")
    return host


@pytest.mark.parametrize(
    ("state", "said", "is_up", "since"),
    [
        (RUNNING, "running", True, 1795940142.0),
        ({**RUNNING, "Health": {"Status": "healthy"}}, "running", True, 1795940142.0),
        ({**RUNNING, "Health": {"Status": "starting"}}, "starting", True, 1795940142.0),
        ({**RUNNING, "Health": {"Status": "unhealthy"}}, "unhealthy", False, 1795940142.0),
        ({"Status": "exited", "StartedAt": STARTED}, "exited", False, None),
        ({"Status": "restarting", "StartedAt": "0001-01-01"}, "restarting", False, None),
        (None, "not there", False, None),
    ],
)
def test_a_container_is_up_or_told_as_docker_tells_it(
    make_host: MakeHost,
    docker_engine: dict[str, Any],
    state: dict[str, Any] | None,
    said: str,
    is_up: bool,
    since: float | None,
) -> None:
    docker_engine["/version"] = {"Version": "29.1.3"}
    if state:
        docker_engine["/containers/hearth-gateway/json"] = {"State": state}
    (service,) = on.containers(with_gateway(make_host), HEARTH)
    assert service == {"name": "gateway", "state": said, "is_up": is_up, "since": since}


def test_without_docker_or_supervisord_that_is_what_is_told(make_host: MakeHost) -> None:
    host = with_gateway(make_host)
    (container,) = on.containers(host, HEARTH)
    (program,) = on.programs(host, HEARTH)
    assert (container["state"], container["is_up"]) == ("Docker does not answer", False)
    assert (program["state"], program["is_up"]) == ("supervisord does not answer", False)


def test_each_disk_is_told_once(make_host: MakeHost) -> None:
    host = make_host(**{f"{HEARTH}/a": "", "/var/lib/docker/b": ""})
    (disk,) = on.disks(host, [HEARTH, "/var/lib/docker", "/nowhere"])
    assert disk["directory"] == HEARTH
    assert 0 < disk["free_bytes"] < disk["total_bytes"]
