# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops what runs on data that is replaced. Who starts it again is its role."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._supervisor import Supervisor

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._backup.settings import Settings

STOP_SECONDS = 120


def stop(settings: Settings, name: str) -> None:
    """Returns when nothing of it runs any more. One that is not there does not run."""
    if settings.runtime == "process":
        _stop_program(settings, name)
    else:
        _stop_container(f"hearth-{name}")


def _stop_program(settings: Settings, name: str) -> None:
    supervisor = Supervisor(os.path.join(settings.directory, "supervisor", "supervisor.sock"))
    if supervisor.answers() and name in supervisor.states():
        supervisor.stop([name])


def _stop_container(container: str) -> None:
    try:
        known = subprocess.run(["docker", "inspect", container], capture_output=True, check=False, timeout=STOP_SECONDS)
    except FileNotFoundError:
        # No engine, no containers: a bare host.
        return
    if known.returncode:
        if b"no such" in known.stderr.lower():
            return
        raise HearthError(
            f"Docker does not say whether {container} runs: {known.stderr.decode('utf-8', 'replace').strip()}. Start Docker, and run this again."
        )
    stopped = subprocess.run(["docker", "stop", container], capture_output=True, check=False, timeout=STOP_SECONDS)
    if stopped.returncode:
        raise HearthError(
            f"{container} cannot be stopped, so its data was not replaced: {stopped.stderr.decode('utf-8', 'replace').strip()}."
        )
