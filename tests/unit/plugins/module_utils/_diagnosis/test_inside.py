# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies broken on a host is told with its cause and what to do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._diagnosis import inside
from ansible_collections.hearth.llm.plugins.module_utils._diagnosis.sign import Sign
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

MakeHost = Callable[..., Host]
HEARTH = "/var/lib/hearth"
WELL = {"Status": "running", "ExitCode": 0, "OOMKilled": False, "Restarting": False}


def say(words: str = "") -> Callable[[Sequence[str]], str]:
    return lambda _command: words


def with_service(make_host: MakeHost, **files: str) -> Host:
    host = make_host(**{f"{HEARTH}/services/gateway/generations/1/definition.json": "{}", **files})
    Path(host.path(f"{HEARTH}/services/gateway/current")).symlink_to("generations/1")
    return host


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (WELL, []),
        (None, ["hearth-gateway is not there", "run site.yml again"]),
        ({**WELL, "Status": "exited", "ExitCode": 0}, ["is exited", "bind: address in use", "run site.yml again"]),
        (
            {**WELL, "Status": "restarting", "Restarting": True, "ExitCode": 1},
            ["ends with 1 whenever", "bind: address in use"],
        ),
        ({**WELL, "Status": "exited", "ExitCode": 137, "OOMKilled": True}, ["no memory left", "shorter context"]),
        (
            {**WELL, "Health": {"Status": "unhealthy", "Log": [{"Output": "503"}]}},
            ["does not answer", "503", "docker restart"],
        ),
        ({**WELL, "Health": {"Status": "starting", "Log": None}}, []),
    ],
)
def test_a_container_is_told_of_by_how_it_ended(
    make_host: MakeHost, docker_engine: dict[str, Any], state: dict[str, Any] | None, told: list[str]
) -> None:
    docker_engine["/version"] = {"Version": "29.1.3"}
    if state:
        docker_engine["/containers/hearth-gateway/json"] = {"State": state}
    docker, service = inside.of_docker(with_service(make_host), HEARTH, say("bind: address\n in use\n"))
    assert (docker.layer, docker.wrong) == ("Docker", "")
    assert (service.layer, service.subject) == ("service", "gateway")
    assert all(words in service.wrong for words in told)
    assert bool(service.wrong) == bool(told)


def test_without_docker_no_container_is_blamed(make_host: MakeHost) -> None:
    (docker,) = inside.of_docker(with_service(make_host), HEARTH, say("no space left on device"))
    assert "no space left on device" in docker.wrong
    assert "systemctl restart docker" in docker.wrong


@pytest.mark.parametrize(
    ("states", "wrong"),
    [({"gateway": "RUNNING"}, ""), ({"gateway": "FATAL"}, "is fatal"), ({}, "not there"), (None, "not there")],
)
def test_a_program_is_told_of_with_its_last_words(
    make_host: MakeHost, states: dict[str, str] | None, wrong: str
) -> None:
    host = with_service(make_host, **{f"{HEARTH}/services/gateway/service.log": "one\ntwo\nthree\nfour\n"})
    (service,) = inside.of_processes(host, HEARTH, states)
    assert wrong in service.wrong
    assert ("two three four" in service.wrong) == bool(wrong)


def test_a_full_disk_is_wrong_and_a_scarce_one_a_warning(make_host: MakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host = make_host(**{f"{HEARTH}/x": ""})

    def seen(free: int, inodes: int = 5) -> list[Sign]:
        disk = SimpleNamespace(f_fsid=1, f_bavail=free, f_frsize=1, f_files=10, f_favail=inodes)
        monkeypatch.setattr(os, "statvfs", lambda _path: disk)
        # One that is not there is no disk, and one disk is told of once.
        return list(inside.disks(host, ["/", HEARTH, "/nowhere"]))

    assert [(bool(sign.wrong), bool(sign.warning)) for sign in seen(10 << 30)] == [(False, False)]
    assert [(bool(sign.wrong), bool(sign.warning)) for sign in seen(1 << 30)] == [(False, True)]
    assert "make room" in seen(1 << 20)[0].wrong
    assert "inode" in seen(10 << 30, inodes=0)[0].wrong


def test_memory_clock_gpu_and_units(make_host: MakeHost) -> None:
    (memory,) = inside.memory(make_host())
    assert not memory.wrong
    (memory,) = inside.memory(make_host(**{"/proc/meminfo": "MemTotal: 16384000 kB\nMemAvailable: 100000 kB\n"}))
    assert "smaller model" in memory.wrong
    (clock,) = inside.clock(time.time() + 3600)
    assert "behind the controller's" in clock.wrong
    assert "timedatectl" in clock.wrong
    assert not next(inside.clock(None)).wrong
    assert "restart" in inside.gpu({"usable": False, "reason": "The driver was replaced: restart.", "state": "x"}).wrong
    assert not inside.gpu({"usable": True, "reason": "", "state": "fine"}).wrong

    def systemd(command: Sequence[str]) -> str:
        return "hearth-firewall.service loaded failed failed x\n" if "list-units" in command else "table is gone\n"

    (unit,) = inside.units(systemd)
    assert "hearth-firewall.service has failed, and says: table is gone" in unit.wrong
