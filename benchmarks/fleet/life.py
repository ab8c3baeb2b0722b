# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How HAProxy starts, takes a new configuration over, and rests with one."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from doors import HAPROXY, configuration, copied
from load import Client, Door, Seen
from many import Fleet

REST_SECONDS = 10


def get(door: Door, path: str) -> tuple[int, bytes]:
    """One question of a client that comes for it."""
    tls = door.tls
    connection = (
        http.client.HTTPSConnection("localhost", door.port, context=tls, timeout=30)
        if tls
        else http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    )
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {door.key}"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def until(condition: Callable[[], bool], what: str) -> float:
    """Seconds until it is so."""
    begin = time.perf_counter()
    while not condition():
        if time.perf_counter() - begin > 120:
            raise SystemExit(f"waited in vain until {what}")
        time.sleep(0.002)
    return time.perf_counter() - begin


def answers(door: Door) -> bool:
    try:
        return get(door, "/v1/models")[0] == 200
    except OSError:
        return False


def process_of(control: Path) -> int:
    """Which process of HAProxy has its control socket now."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(control))
            client.sendall(b"show info\n")
            text = b"".join(iter(lambda: client.recv(65536), b""))
        except OSError:
            return 0
    return next((int(line[5:]) for line in text.splitlines() if line.startswith(b"Pid: ")), 0)


async def ask_meanwhile(door: Door, model: str, over: asyncio.Event) -> Seen:
    """Each request by a connection of its own, as it comes to whichever process listens."""
    seen = Seen()
    client = Client(door, tokens=1, stream=False, models=[model])
    while not over.is_set():
        begin = time.perf_counter()
        failure = await client.ask()
        client.close()
        seen.failures += [failure] if failure else []
        seen.seconds.append(time.perf_counter() - begin)
    return seen


async def reload(door: Door, model: str, process: subprocess.Popen[bytes], control: Path) -> tuple[float, list[Seen]]:
    over, before = asyncio.Event(), process_of(control)
    clients = [asyncio.create_task(ask_meanwhile(door, model, over)) for _client in range(4)]
    await asyncio.sleep(0.5)
    process.send_signal(signal.SIGUSR2)
    seconds = await asyncio.to_thread(
        until, lambda: process_of(control) not in (0, before) and answers(door), "a new process answers"
    )
    await asyncio.sleep(0.5)
    over.set()
    return seconds, await asyncio.gather(*clients)


def start_and_reload(directory: Path, fleet: Fleet, number: int) -> None:
    name = f"{fleet.name}-{number}"
    door = copied(directory, fleet.door, name, {})
    path = door.program
    begin = time.perf_counter()
    subprocess.run([HAPROXY, "-c", "-f", path], check=True, capture_output=True)
    fleet.note(judged_s=time.perf_counter() - begin)
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([HAPROXY, "-W", "-db", "-f", path], stdout=log, stderr=log)
    try:
        fleet.note(started_s=until(lambda: answers(door), f"{name} answers"))
        control = next((directory / fleet.name).glob(f"h/run/_{name}_gateway.sock"))
        fleet.note(memory_mb=door.memory / 1e6)
        seconds, seen = asyncio.run(reload(door, fleet.models[0], process, control))
        failures = [failure for one in seen for failure in one.failures]
        longest = max(second for one in seen for second in one.seconds)
        fleet.note(reloaded_s=seconds, failed_under_reload=len(failures), longest_under_reload_s=longest)
        if failures:
            print(f"{fleet.name}: under a reload {failures[0]}", file=sys.stderr)
    finally:
        process.terminate()
        process.wait(30)


def asked(fleet: Fleet) -> dict[str, int]:
    return dict(json.loads(get(fleet.engines[0], "/asked")[1]))


def rest(fleet: Fleet) -> None:
    before, computed, begin = asked(fleet), fleet.door.computed, time.perf_counter()
    time.sleep(REST_SECONDS)
    seconds = time.perf_counter() - begin
    fleet.note(computes_at_rest_ms_a_second=(fleet.door.computed - computed) / seconds * 1000)
    for path, count in asked(fleet).items():
        fleet.note(**{f"GET {path} a second": (count - before.get(path, 0)) / seconds})


def look(directory: Path, fleet: Fleet) -> None:
    """What an operator's page and Prometheus ask for."""
    text = (configuration(directory, fleet.door) / "haproxy.cfg").read_text()
    port = re.search(r"frontend metrics\n +bind \S+:(\d+)", text)
    assert port
    metrics = Door("metrics", int(port[1]))
    for what, door, path in (("status", fleet.door, "/status"), ("metrics", metrics, "/metrics")):
        begin = time.perf_counter()
        status, body = get(door, path)
        fleet.note(**{f"GET {path} ms": (time.perf_counter() - begin) * 1000, f"{what}_kb": len(body) / 1000})
        if status != 200:
            raise SystemExit(f"{path} of {fleet.name}: {status}")
        # Figures do for whoever asks within a second.
        time.sleep(1.1)
