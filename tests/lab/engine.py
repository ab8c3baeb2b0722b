# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine that carries the lab: the one that runs, or Debian's, installed and started here."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import packages
from lab.shell import LabError, await_condition, run, say

LOG = Path("/var/log/hearth-lab-dockerd.log")


@dataclass(frozen=True)
class Engine:
    """What the lab needs to know about the engine."""

    version: str
    cgroup_version: str


def find() -> Engine | None:
    """The engine that answers, if one does."""
    try:
        facts = json.loads(run("docker", "info", "--format", "{{json .}}"))
    except LabError:
        return None
    version = facts.get("ServerVersion")
    return Engine(version, facts.get("CgroupVersion", "1")) if version else None


def ensure() -> Engine:
    """The running engine; as root on Debian or Ubuntu, installed and started when there is none."""
    if engine := find():
        return engine
    if os.geteuid() != 0:
        raise LabError(
            "no Docker engine answers: start Docker and add this user to the group `docker`, or run the lab as root"
        )
    packages.provide("dockerd")
    if engine := find():  # where services may start on installation
        return engine
    return start()


def start() -> Engine:
    """Start the installed engine: by systemd where that is in charge, else as a process of its own."""
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "start", "docker")
    elif not _process_runs():
        say(f"starting dockerd, which writes to {LOG}")
        with LOG.open("ab") as log:
            daemon = subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )

        def answer() -> Engine | None:
            # One that ends at once may have met another one just starting, which then answers in its stead.
            if daemon.poll() is not None and not _process_runs():
                raise LabError(f"dockerd ended with {daemon.returncode}:\n{_last_lines()}")
            return find()

        return await_condition("dockerd to answer", answer, seconds=60, explain=_last_lines)
    return await_condition("Docker to answer", find, seconds=60)


def _process_runs() -> bool:
    try:
        pid = Path("/run/docker.pid").read_text().strip()
        return Path("/proc", pid, "comm").read_text().strip() == "dockerd"
    except OSError:
        return False


def _last_lines() -> str:
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-15:])
