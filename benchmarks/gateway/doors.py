# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine, the gateway as the role makes it, and LiteLLM's proxy, each running while it is used as a context."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from integration import locked
from integration.conftest import PROJECT, Runner
from integration.programs import stop_all
from load import Door

HERE = Path(__file__).parent
HAPROXY = os.environ.get("HEARTH_TEST_HAPROXY", "/usr/sbin/haproxy")
LITELLM = HERE / "litellm.txt"
SLOTS = 16
KEYS = {"flood": "sk-flood-0123456789", "quiet": "sk-quiet-0123456789"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(*command: str, port: int, environment: dict[str, str] | None = None, log: Path) -> Iterator[None]:
    """A program, from when it listens."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 120
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{' '.join(command)} does not listen on {port}:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def engines(
    directory: Path, slots: int, token_seconds: float, *, count: int = 1, models: int = 0, name: str = "engine"
) -> Iterator[list[Door]]:
    """So many engines, all in one process; each is a router of so many models, or has one."""
    ports = _free_ports(count)
    listed = ",".join(map(str, ports))
    command = (sys.executable, str(HERE / "engine.py"), listed, str(slots), str(token_seconds), str(models))
    with running(*command, port=ports[-1], log=directory / f"{name}.log"):
        yield [Door(name, port) for port in ports]


def _free_ports(count: int) -> list[int]:
    """Different ones."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _number in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


@contextlib.contextmanager
def engine(directory: Path, slots: int, token_seconds: float) -> Iterator[Door]:
    with engines(directory, slots, token_seconds) as (door,):
        yield door


def bench(address: str, slots: int) -> dict[str, dict[str, Any]]:
    """The one model of most benchmarks. An older tree knows one address."""
    return {"bench": {"address": address, "addresses": [address], "slots": slots, "max_output_tokens": 1000}}


@contextlib.contextmanager
def gateway(
    directory: Path,
    models: Mapping[str, Mapping[str, Any]],
    *,
    keys: Mapping[str, str] = KEYS,
    engine_key: str = "",
    max_body_mib: int = 28,
    name: str = "gateway",
    tree: Path = PROJECT,
) -> Iterator[Door]:
    """The gateway as the role of a tree makes it, in the runtime `process`. What asks has the last of the keys, which is an operator's."""
    home = directory / f"playbook-{name}"
    home.mkdir()
    directory = directory / name
    port = free_port()
    last = list(keys)[-1]
    description = {
        "hearth_runtime": "process",
        "hearth_directory": str(directory / "h"),
        "hearth_secrets_directory": str(directory / "secrets"),
        "gateway_program": HAPROXY,
        "gateway_address": "127.0.0.1",
        "gateway_port": port,
        "gateway_metrics_port": free_port(),
        # 28 hold a picture of 20 MB, as clients send it.
        "gateway_max_body_bytes": max_body_mib << 20,
        "gateway_models": models,
        "gateway_api_keys": [{"name": one, "key": key, "operator": one == last} for one, key in keys.items()],
        **({"gateway_engine_key": engine_key} if engine_key else {}),
    }

    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": description,
        "roles": ["hearth.llm.certificates", "hearth.llm.gateway"],
    }
    # What Ansible says is told where it fails.
    with contextlib.redirect_stdout(io.StringIO()):
        Runner(home)([play], variables={"ANSIBLE_COLLECTIONS_PATH": str(tree / ".collections")})
    try:
        yield Door(name, port, keys[last], directory / "secrets/tls/ca.pem", f"-f\0{directory}/h")
    finally:
        stop_all(directory / "h")


def configuration(directory: Path, door: Door) -> Path:
    """Where what the role has written for a gateway lies."""
    return directory / door.name / "h/services/gateway/current"


def copied(directory: Path, door: Door, name: str, changes: Mapping[str, str]) -> Door:
    """A gateway's configuration for another one of HAProxy beside it, with lines changed: each pattern has to be there. `program` names it for HAProxy."""
    files = directory / name
    shutil.copytree(configuration(directory, door), files, symlinks=False)
    port, metrics_port = free_port(), free_port()
    path = files / "haproxy.cfg"
    text = path.read_text().replace(f":{door.port}\n", f":{port}\n")
    for pattern, line in {
        r"/_(gateway|door|look|waiting)\.sock": rf"/_{name}_\1.sock",
        r"(frontend metrics\n +bind \S+:)\d+": rf"\g<1>{metrics_port}",
        **changes,
    }.items():
        text, found = re.subn(pattern, line, text, flags=re.MULTILINE)
        if not found:
            raise SystemExit(f"{path} has not the lines that this benchmark changes: {pattern}.")
    path.write_text(text)
    return Door(name, port, door.key, door.authority, str(path))


@contextlib.contextmanager
def changed(directory: Path, door: Door, name: str, changes: Mapping[str, str]) -> Iterator[Door]:
    """The same gateway with lines changed."""
    other = copied(directory, door, name, changes)
    with running(HAPROXY, "-W", "-db", "-f", other.program, port=other.port, log=directory / f"{name}.log"):
        yield other


def first_come_first_served(directory: Path, door: Door) -> contextlib.AbstractContextManager[Door]:
    """The same configuration, with a queue that knows no turns."""
    return changed(directory, door, "fifo", {r"^ *http-request set-priority-offset .*$": ""})


@contextlib.contextmanager
def haproxy_alone(directory: Path, engine_door: Door, certificate: Path, key: Path, authority: Path) -> Iterator[Door]:
    """TLS, a slot for each request and nothing else: what of the gateway's cost is HAProxy's."""
    port, path = free_port(), directory / "alone.cfg"
    pem = directory / "alone.pem"
    pem.touch(0o600)
    pem.write_text(certificate.read_text() + key.read_text())
    path.write_text(
        f"""
global
    maxconn 1000
defaults
    mode http
    option http-server-close
    http-reuse never
    option http-no-delay
    timeout connect 5s
    timeout client 300s
    timeout server 300s
listen alone
    bind 127.0.0.1:{port} ssl crt {pem}
    server engine 127.0.0.1:{engine_door.port} maxconn {SLOTS}
"""
    )
    with running(HAPROXY, "-W", "-db", "-f", str(path), port=port, log=directory / "alone.log"):
        yield Door("HAProxy", port, "none", authority, str(path))


@contextlib.contextmanager
def litellm(directory: Path, engine_door: Door, certificate: Path, key: Path, authority: Path) -> Iterator[Door]:
    program = locked.python(LITELLM).with_name("litellm")
    port, master_key = free_port(), "sk-litellm-0123456789"
    configuration = directory / "litellm.yaml"
    configuration.write_text(
        f"""
model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench
      api_base: http://127.0.0.1:{engine_door.port}/v1
      api_key: none
litellm_settings:
  telemetry: false
general_settings:
  master_key: {master_key}
"""
    )
    command = (str(program), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port))
    tls = ("--ssl_certfile_path", str(certificate), "--ssl_keyfile_path", str(key))
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    with running(*command, *tls, port=port, environment=quiet, log=directory / "litellm.log"):
        yield Door("LiteLLM", port, master_key, authority, str(configuration))
