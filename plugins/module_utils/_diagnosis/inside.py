# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a host keeps its services from working. PRIVATE to the collection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._diagnosis.sign import Sign
from ansible_collections.hearth.llm.plugins.module_utils._hidden import shown
from ansible_collections.hearth.llm.plugins.module_utils._host import disks as file_systems
from ansible_collections.hearth.llm.plugins.module_utils._host.docker import ask_docker
from ansible_collections.hearth.llm.plugins.module_utils._host.services import deployed
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size
from ansible_collections.hearth.llm.plugins.module_utils._supervisor import ALIVE

if TYPE_CHECKING:
    from typing import Callable, Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

    Run = Callable[[Sequence[str]], str]

# Less than this, and logs, chats and certificates cannot be written any more; less than that, and it will soon be so.
FULL_BYTES, SCARCE_BYTES = 100 << 20, 2 << 30
_SCARCE_MEMORY = 0.03
_CLOCK_SECONDS = 60
LOG_LINES = 3
# What Docker says with 137 where nobody asked it to end the container.
_KILLED = 137


def clock(controller_time: float | None) -> Iterator[Sign]:
    skew = 0.0 if controller_time is None else time.time() - controller_time
    if abs(skew) > _CLOCK_SECONDS:
        direction = "ahead of" if skew > 0 else "behind"
        wrong = (
            f"The clock is {abs(skew):.0f} seconds {direction} the controller's, so that certificates are not valid: set it right, best by NTP "
            "(timedatectl set-ntp true)."
        )
        yield Sign("clock", "", wrong=wrong)
    else:
        yield Sign("clock", "")


def disks(host: Host, directories: Sequence[str]) -> Iterator[Sign]:
    for directory, found in file_systems.of(host, directories):
        free, no_inodes = found.f_bavail * found.f_frsize, found.f_files > 0 and found.f_favail == 0
        left = "has no inode left" if no_inodes else f"has {as_size(free)} left"
        if free < FULL_BYTES or no_inodes:
            yield Sign(
                "disk",
                directory,
                wrong=f"The disk of {directory} {left}: make room ('docker system df' and 'du -xh {directory}' say what takes it).",
            )
        else:
            warning = f"The disk of {directory} {left}: make room before it is full." if free < SCARCE_BYTES else ""
            yield Sign("disk", directory, warning=warning)


def memory(host: Host) -> Iterator[Sign]:
    numbers = host.numbers("/proc/meminfo")
    total, available = numbers.get("MemTotal", 0), numbers.get("MemAvailable", 0)
    if total and available < total * _SCARCE_MEMORY:
        wrong = (
            f"{as_size(available)} of {as_size(total)} of memory are left, and the kernel ends what asks for more: stop what else runs there, or serve a "
            "smaller model."
        )
        yield Sign("memory", "", wrong=wrong)
    else:
        yield Sign("memory", "")


def gpu(found: Mapping[str, Any]) -> Sign:
    """As M(hearth.llm.gpu_info) says it."""
    return Sign(
        "GPU", "", wrong="" if found["usable"] else f"The GPU cannot be used. {found['reason'] or found['state']}"
    )


def units(run: Run) -> Iterator[Sign]:
    """Those of ours that systemd could not start: the firewall, the private network, renewals."""
    failed = run(["systemctl", "list-units", "--all", "--state=failed", "--plain", "--no-legend", "hearth-*"])
    for line in failed.splitlines():
        unit = line.split()[0] if line.split() else ""
        if unit.startswith("hearth-"):
            log = _journal(run, unit)
            yield Sign(
                "unit", unit, wrong=f"{unit} has failed{_said(log)} Run site.yml again, or 'systemctl restart {unit}'."
            )


def of_docker(host: Host, directory: str, run: Run) -> Iterator[Sign]:
    if not ask_docker(host, "/version"):
        log = _journal(run, "docker")
        yield Sign("Docker", "", wrong=f"Docker does not answer{_said(log)} Start it by 'systemctl restart docker'.")
        return
    yield Sign("Docker", "")
    for name in deployed(host, directory):
        container = f"hearth-{name}"
        yield Sign(
            "service",
            name,
            wrong=_of_container(name, container, ask_docker(host, f"/containers/{container}/json"), run),
        )


def _of_container(name: str, container: str, found: Any, run: Run) -> str:
    if not found:
        return f"The container {container} is not there: run site.yml again."
    state = found["State"]
    log = run(["docker", "logs", "--tail", str(LOG_LINES), container])
    if state.get("OOMKilled"):
        return f"The container {container} was ended because it had no memory left: give it more, or serve a smaller model or a shorter context."
    if state.get("Restarting") or (state.get("Status") == "exited" and state.get("ExitCode") not in (0, _KILLED)):
        return f"The container {container} ends with {state.get('ExitCode')} whenever it is started{_said(log)} Run site.yml again after a change of {name}."
    if state.get("Status") != "running":
        return f"The container {container} is {state.get('Status')}{_said(log)} Somebody stopped it, or it was killed: run site.yml again."
    if (state.get("Health") or {}).get("Status") == "unhealthy":
        last = (state["Health"].get("Log") or [{}])[-1].get("Output", "")
        return f"The container {container} runs, and does not answer{_said(str(last) or log)} Start it anew by 'docker restart {container}'."
    return ""


def of_processes(host: Host, directory: str, states: Mapping[str, str] | None) -> Iterator[Sign]:
    """With what supervisord says of each program; nothing where it does not answer."""
    for name in deployed(host, directory):
        state = (states or {}).get(name, "not there")
        log = host.read(f"{directory}/services/{name}/service.log").splitlines()[-LOG_LINES:]
        wrong = f"The program {name} is {state.lower()}{_said(' '.join(log))} Run site.yml again."
        yield Sign("service", name, wrong="" if state in ALIVE and state != "BACKOFF" else wrong)


def _journal(run: Run, unit: str) -> str:
    return run(["journalctl", "--unit", unit, "--lines", str(LOG_LINES), "--no-pager", "--output", "cat"])


def _said(log: str) -> str:
    words = shown(" ".join(log.split()))[-400:]
    return f", and says: {words}" if words else "."
