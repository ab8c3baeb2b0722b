# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a host, and what is left of its disks, its memory and its GPUs. PRIVATE to the collection."""

from __future__ import annotations

import calendar
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._host import disks as file_systems
from ansible_collections.hearth.llm.plugins.module_utils._host.docker import ask_docker
from ansible_collections.hearth.llm.plugins.module_utils._host.services import deployed
from ansible_collections.hearth.llm.plugins.module_utils._supervisor import Supervisor

if TYPE_CHECKING:
    from typing import Iterable

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host


def containers(host: Host, directory: str) -> list[dict[str, Any]]:
    """Each service that was deployed as a container, as Docker has it now."""
    answers = bool(ask_docker(host, "/version"))
    return [_container(host, name, answers) for name in deployed(host, directory)]


def _container(host: Host, name: str, docker_answers: bool) -> dict[str, Any]:
    if not docker_answers:
        return _service(name, "Docker does not answer")
    found = ask_docker(host, f"/containers/hearth-{name}/json")
    if not found:
        return _service(name, "not there")
    state = str(found["State"].get("Status"))
    if state != "running":
        return _service(name, state)
    health = str((found["State"].get("Health") or {}).get("Status") or "")
    said = health if health in ("starting", "unhealthy") else state
    return _service(name, said, is_up=health != "unhealthy", since=_moment(str(found["State"].get("StartedAt"))))


def programs(host: Host, directory: str) -> list[dict[str, Any]]:
    """Each service that was deployed as a program, as supervisord has it now."""
    supervisor = Supervisor(f"{directory}/supervisor/supervisor.sock")
    try:
        states, starts = supervisor.states(), supervisor.starts()
    except HearthError:
        return [_service(name, "supervisord does not answer") for name in deployed(host, directory)]
    return [
        _service(
            name, states.get(name, "not there").lower(), is_up=states.get(name) == "RUNNING", since=starts.get(name)
        )
        for name in deployed(host, directory)
    ]


def _service(name: str, state: str, *, is_up: bool = False, since: float | None = None) -> dict[str, Any]:
    return {"name": name, "state": state, "is_up": is_up, "since": since}


def _moment(text: str) -> float | None:
    """As Docker writes it, 2026-11-29T08:15:42.123456789Z; None where it is none."""
    try:
        return float(calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")))
    except ValueError:
        return None


def disks(host: Host, directories: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "directory": directory,
            "free_bytes": said.f_bavail * said.f_frsize,
            "total_bytes": said.f_blocks * said.f_frsize,
        }
        for directory, said in file_systems.of(host, directories)
    ]


def memory(host: Host) -> dict[str, int]:
    numbers = host.numbers("/proc/meminfo")
    return {
        "available_bytes": numbers.get("MemAvailable", 0),
        "total_bytes": numbers.get("MemTotal", 0),
    }
