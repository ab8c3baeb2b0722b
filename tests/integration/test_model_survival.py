# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fetch survives: ten kills, a full disk, the end of the controller."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.hub import Hub
from integration.model_play import MIB, gguf, play, progress, proven_bytes, task, until

KILLS = 10
KILLED_BYTES = 32 * MIB


def test_a_fetch_that_is_killed_at_any_point_goes_on_behind_what_is_proven(
    playbook: Any, hub: Hub, tmp_path: Path
) -> None:
    hosts = [f"host{number}" for number in range(KILLS)]
    random_points = random.Random()
    # Twice a second it is told how far a fetch is: one that is nearly there would be there.
    points = {host: random_points.uniform(0.02, 0.8) for host in hosts}
    for host in hosts:
        hub.publish(f"o/{host}", {"model.gguf": gguf(host, KILLED_BYTES)})
    slow = hub.fault("cdn:*", "slow", rate=MIB)
    playbook.hosts({host: {} for host in hosts})
    model = {"name": "model", "source": "hf://o/{{ inventory_hostname }}/model.gguf"}
    plays = play(task(tmp_path / "{{ inventory_hostname }}", hub, model, connections=4))

    running = playbook.start(plays, f"--forks={KILLS}")
    arrived: dict[str, int] = {}

    def kill_those_that_are_due() -> bool:
        for host in hosts:
            state = progress(tmp_path / host)
            current = state.get("current")
            if host not in arrived and current and current["done"] >= points[host] * KILLED_BYTES:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(state["pid"], signal.SIGKILL)
                arrived[host] = current["done"]
        return len(arrived) == KILLS or running.poll() is not None

    until(kill_those_that_are_due, f"all are killed at {points}", 300)
    assert running.wait(300) != 0
    running.communicate()

    proven = {host: proven_bytes(tmp_path / host) for host in hosts}
    for host in hosts:
        assert not (tmp_path / host / "model/model.gguf").exists()
    # What a checkpoint a second cannot have proven yet is little beside what it has.
    assert sum(proven.values()) > 0.25 * sum(arrived.values()), (points, arrived, proven)

    hub.forget()
    hub.faults.remove(slow)
    playbook(plays, f"--forks={KILLS}")
    for host in hosts:
        assert (tmp_path / host / "model/model.gguf").read_bytes() == gguf(host, KILLED_BYTES)
        assert not list(tmp_path.glob(f"{host}/.fetch/partial/*"))
    # Of a range that was split on its way a little may have been sent on the old connection, too.
    left = KILLS * KILLED_BYTES - sum(proven.values())
    assert left <= hub.sent("cdn:*") < left + sum(proven.values()) // 2, (points, arrived, proven)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small file system")
def test_a_disk_that_is_too_small_or_becomes_full_is_said_and_survived(playbook: Any, hub: Hub, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    try:
        hub.publish("o/r", {"large.gguf": gguf(1, 32 * MIB), "fits.gguf": gguf(2, 16 * MIB)})
        large, fits = (
            {"name": "large", "source": "hf://o/r/large.gguf"},
            {"name": "fits", "source": "hf://o/r/fits.gguf"},
        )

        refused = playbook(play(task(disk, hub, large, reserve_bytes=MIB)), succeeds=False)
        missing = 32 * MIB - 24 * MIB + MIB
        assert "Not enough room" in refused.words
        assert any(f"{count} bytes" in refused.words for count in range(missing, missing + MIB))
        assert hub.sent("cdn:*") == 0

        hub.fault("cdn:*", "slow", rate=2 * MIB)
        running = playbook.start(play(task(disk, hub, fits, reserve_bytes=0, connections=2)))
        until(lambda: proven_bytes(disk) > 0, "something is proven")
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(MIB))
        output, _nothing = running.communicate(timeout=300)
        assert running.returncode
        assert "fits/fits.gguf: the disk became full" in " ".join(output.split())
        assert "run again" in output

        (disk / "filler").unlink()
        proven = proven_bytes(disk)
        assert proven > 0
        hub.forget()
        hub.faults.clear()
        playbook(play(task(disk, hub, fits, reserve_bytes=0)))
        assert (disk / "fits/fits.gguf").read_bytes() == gguf(2, 16 * MIB)
        assert 16 * MIB - proven <= hub.sent("cdn:*") < 16 * MIB - proven // 2
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def interrupt(controller: subprocess.Popen[str]) -> None:
    controller.send_signal(signal.SIGINT)


def kill_with_workers(controller: subprocess.Popen[str]) -> None:
    """As the kernel does when memory is short: nobody is told, and only the module on the "host" is left."""
    workers = Path(f"/proc/{controller.pid}/task/{controller.pid}/children").read_text().split()
    for pid in (controller.pid, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("end", [interrupt, kill_with_workers])
def test_the_end_of_the_controller_ends_the_fetch_and_keeps_what_is_proven(
    playbook: Any, hub: Hub, tmp_path: Path, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    hub.publish("o/r", {"model.gguf": gguf(1, 16 * MIB)})
    hub.fault("cdn:*", "slow", rate=MIB)
    plays = play(task(tmp_path / "models", hub, {"name": "model", "source": "hf://o/r/model.gguf"}, connections=2))
    running = playbook.start(plays)
    state = until(lambda: progress(tmp_path / "models"), "the fetch has begun")
    until(lambda: hub.sent("cdn:*") > 3 * MIB, "something has arrived")
    end(running)
    running.communicate(timeout=120)
    until(lambda: not Path(f"/proc/{state['pid']}").exists(), "the module has ended")
    proven = proven_bytes(tmp_path / "models")
    assert proven > MIB

    hub.forget()
    hub.faults.clear()
    playbook(plays)
    assert (tmp_path / "models/model/model.gguf").read_bytes() == gguf(1, 16 * MIB)
    assert 16 * MIB - proven <= hub.sent("cdn:*") < 16 * MIB - proven // 2
