# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model hub on the controller, in the background, with tiny real models whose answers tell them apart."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import authority
from lab.shell import LabError, await_condition, run, say

PROJECT = Path(__file__).parents[2]
OWNER = "hearth"


def up(directory: Path, address: str, models: Mapping[str, str], faults: Sequence[str] = ()) -> str:
    """Make the models, served name → what it says or a file of the project, publish each as `hearth/NAME`, and return the hub's address."""
    down(directory)
    for name, sentence in models.items():
        repository = directory / "root" / OWNER / name
        repository.mkdir(parents=True, exist_ok=True)
        if sentence.endswith(".gguf"):
            shutil.copyfile(PROJECT / sentence, repository / f"{name}.gguf")
        else:
            maker = PROJECT / "tools" / "hello_model"
            run(sys.executable, maker, "--name", name, "--say", sentence, repository / f"{name}.gguf")
        repository.joinpath("README.md").write_text(f"# {name}\n\nSays one sentence.\n")
    pair = authority.certify(address, directory)
    log = directory / "hub.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "fakes.hub", f"--root={directory / 'root'}", f"--host={address}"),
                *(f"--certificate={pair.certificate}", f"--key={pair.key}"),
                *(f"--fault={fault}" for fault in faults),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT / "tests")},
        )

    def url() -> str | None:
        if process.poll() is not None:
            raise LabError(f"the hub ended with {process.returncode}:\n{log.read_text()}")
        first_line, newline, _rest = log.read_text().partition("\n")
        return first_line if newline else None

    found = await_condition("the hub's address", url, seconds=20, explain=log.read_text)
    _pid_file(directory).write_text(str(process.pid))
    say(f"a hub listens at {found}")
    return found


def down(directory: Path) -> None:
    """End the hub that was started from this directory, if there is one."""
    pid_file = _pid_file(directory)
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    if _is_hub(pid):
        os.kill(pid, signal.SIGTERM)
        await_condition("the hub to end", lambda: None if _is_hub(pid) else True, seconds=10)
    pid_file.unlink()


def _is_hub(pid: int) -> bool:
    try:
        return b"fakes.hub" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False


def _pid_file(directory: Path) -> Path:
    return directory / "hub.pid"
